//! The program `highwater`.
fn main() {}

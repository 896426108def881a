//! The names on a disk: a tree of directories, as the page cache has it and as it is durable.
//!
//! A change of names (create, rename, remove, …) is one operation that touches one or two
//! directories. It becomes durable as a whole when one of them is synced, together with the earlier
//! changes that it stands upon: those of the same directories.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use super::error::DiskOperation;
use crate::time::Time;

/// The number of a file or directory, whatever its names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Inode(pub(super) u64);

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    File(Inode),
    Directory(Inode),
}

impl Entry {
    fn inode(self) -> Inode {
        match self {
            Self::File(inode) | Self::Directory(inode) => inode,
        }
    }
}

/// A change of names that is not durable yet.
#[derive(Clone, Debug)]
pub(super) struct NameOperation {
    pub(super) sequence: u64,
    pub(super) at: Time,
    pub(super) operation: DiskOperation,
    pub(super) path: Arc<str>,
    changes: Vec<NameChange>,
}

/// In this directory, this name now stands for that; or for nothing.
#[derive(Clone, Debug)]
pub(super) struct NameChange {
    pub(super) directory: Inode,
    pub(super) name: Arc<str>,
    pub(super) entry: Option<Entry>,
}

impl NameOperation {
    fn touches(&self, directories: &BTreeSet<Inode>) -> bool {
        self.changes.iter().any(|change| directories.contains(&change.directory))
    }
}

#[derive(Clone, Debug, Default)]
struct Directory {
    cached: BTreeMap<Arc<str>, Entry>,
    durable: BTreeMap<Arc<str>, Entry>,
}

const ROOT: Inode = Inode(0);

/// How many paths of files are remembered: a process works on a few at a time.
const RECENT_MAX: usize = 8;

/// All names on a disk.
#[derive(Clone, Debug)]
pub(super) struct Names {
    directories: BTreeMap<Inode, Arc<Directory>>,
    journal: VecDeque<NameOperation>,
    next: u64,
    /// Files that were found since the names in the page cache last changed.
    recent: Vec<(Box<str>, Inode)>,
}

impl Names {
    pub(super) fn new() -> Self {
        let root = Arc::new(Directory::default());
        Self {
            directories: BTreeMap::from([(ROOT, root)]),
            journal: VecDeque::new(),
            next: 1,
            recent: Vec::new(),
        }
    }

    /// A number that no file or directory had.
    pub(super) fn new_inode(&mut self) -> Inode {
        let inode = Inode(self.next);
        self.next += 1;
        inode
    }

    pub(super) fn add_directory(&mut self, inode: Inode) {
        self.directories.insert(inode, Arc::default());
    }

    /// What a path stands for, in the page cache. The empty path is the root.
    pub(super) fn find(&self, path: &str) -> Option<Entry> {
        if path.is_empty() {
            return Some(Entry::Directory(ROOT));
        }
        let mut at = ROOT;
        let mut rest = path;
        loop {
            let directory = self.directories.get(&at)?;
            let Some((name, below)) = rest.split_once('/') else {
                return directory.cached.get(rest).copied();
            };
            match directory.cached.get(name)? {
                Entry::Directory(inode) => (at, rest) = (*inode, below),
                Entry::File(_) => return None,
            }
        }
    }

    pub(super) fn file(&self, path: &str) -> Option<Inode> {
        match self.find(path)? {
            Entry::File(inode) => Some(inode),
            Entry::Directory(_) => None,
        }
    }

    /// As [`Names::file`], and remembers it.
    pub(super) fn open(&mut self, path: &str) -> Option<Inode> {
        if let Some((_, inode)) = self.recent.iter().find(|(known, _)| **known == *path) {
            return Some(*inode);
        }
        let inode = self.file(path)?;
        if self.recent.len() == RECENT_MAX {
            self.recent.clear();
        }
        self.recent.push((path.into(), inode));
        Some(inode)
    }

    pub(super) fn directory(&self, path: &str) -> Option<Inode> {
        match self.find(path)? {
            Entry::Directory(inode) => Some(inode),
            Entry::File(_) => None,
        }
    }

    /// The directory that holds a path's last name, and that name.
    pub(super) fn parent<'a>(&self, path: &'a str) -> Option<(Inode, &'a str)> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        Some((self.directory(above)?, name))
    }

    pub(super) fn list(&self, directory: Inode) -> Vec<String> {
        self.directories[&directory].cached.keys().map(|name| name.as_ref().to_owned()).collect()
    }

    /// Changes names in the page cache, and remembers that they are not durable.
    pub(super) fn change(
        &mut self,
        (sequence, at): (u64, Time),
        operation: DiskOperation,
        path: &str,
        changes: Vec<NameChange>,
    ) {
        self.recent.clear();
        for change in &changes {
            let directory = self.directories.get_mut(&change.directory);
            let directory = directory.expect("a name is changed in a directory that was found");
            set(&mut Arc::make_mut(directory).cached, change);
        }
        self.journal.push_back(NameOperation {
            sequence,
            at,
            operation,
            path: path.into(),
            changes,
        });
    }

    /// Makes the names in a directory durable, and what they stand upon. Says how many operations
    /// that took.
    pub(super) fn sync(&mut self, directory: Inode) -> usize {
        let mut directories = BTreeSet::from([directory]);
        let mut chosen = vec![false; self.journal.len()];
        for (at, operation) in self.journal.iter().enumerate().rev() {
            if operation.touches(&directories) {
                chosen[at] = true;
                directories.extend(operation.changes.iter().map(|change| change.directory));
            }
        }
        let mut kept = VecDeque::new();
        let mut count = 0;
        for (operation, chosen) in std::mem::take(&mut self.journal).into_iter().zip(chosen) {
            if chosen {
                self.make_durable(&operation);
                count += 1;
            } else {
                kept.push_back(operation);
            }
        }
        self.journal = kept;
        count
    }

    /// Writes back what was changed before `then`.
    pub(super) fn write_back(&mut self, then: Time) {
        while self.journal.front().is_some_and(|operation| operation.at < then) {
            if let Some(operation) = self.journal.pop_front() {
                self.make_durable(&operation);
            }
        }
    }

    /// Forgets that the names in a directory are not durable, though they are not: its sync failed.
    pub(super) fn abandon(&mut self, directory: Inode) -> Vec<NameOperation> {
        let directories = BTreeSet::from([directory]);
        let (gone, kept) =
            std::mem::take(&mut self.journal).into_iter().partition(|op| op.touches(&directories));
        self.journal = kept;
        let gone: VecDeque<_> = gone;
        gone.into()
    }

    /// The changes that are not durable, oldest first.
    pub(super) fn journal(&self) -> impl Iterator<Item = &NameOperation> {
        self.journal.iter()
    }

    /// What a power loss leaves: the durable names and those unsynced changes that `keep` chooses.
    pub(super) fn lose_power(&mut self, keep: impl Fn(u64) -> bool) {
        self.recent.clear();
        for operation in std::mem::take(&mut self.journal) {
            if keep(operation.sequence) {
                self.make_durable(&operation);
            }
        }
        for directory in self.directories.values_mut() {
            let directory = Arc::make_mut(directory);
            directory.cached.clone_from(&directory.durable);
        }
    }

    /// Every file and directory that still has a name, in the page cache or on the platter or in a
    /// change under way. Directories without one are dropped.
    pub(super) fn sweep(&mut self) -> BTreeSet<Inode> {
        let mut reachable = BTreeSet::new();
        let mut todo = vec![ROOT];
        for change in self.journal.iter().flat_map(|operation| &operation.changes) {
            todo.push(change.directory);
            todo.extend(change.entry.map(Entry::inode));
        }
        while let Some(inode) = todo.pop() {
            if reachable.insert(inode)
                && let Some(directory) = self.directories.get(&inode)
            {
                let entries = directory.cached.values().chain(directory.durable.values());
                todo.extend(entries.map(|entry| entry.inode()));
            }
        }
        self.directories.retain(|inode, _| reachable.contains(inode));
        reachable
    }

    /// Every file that has a name in the page cache, with its path.
    pub(super) fn files(&self) -> Vec<(String, Inode)> {
        let mut files = Vec::new();
        let mut todo = vec![(String::new(), ROOT)];
        while let Some((above, directory)) = todo.pop() {
            for (name, entry) in &self.directories[&directory].cached {
                let slash = if above.is_empty() { "" } else { "/" };
                let path = format!("{above}{slash}{name}");
                match entry {
                    Entry::File(inode) => files.push((path, *inode)),
                    Entry::Directory(inode) => todo.push((path, *inode)),
                }
            }
        }
        files.sort();
        files
    }

    fn make_durable(&mut self, operation: &NameOperation) {
        for change in &operation.changes {
            // A directory that was never durable itself is made anew by a change inside it: it
            // stays unreachable until its own name is durable.
            let directory = self.directories.entry(change.directory).or_default();
            set(&mut Arc::make_mut(directory).durable, change);
        }
    }
}

fn set(names: &mut BTreeMap<Arc<str>, Entry>, change: &NameChange) {
    match change.entry {
        Some(entry) => names.insert(Arc::clone(&change.name), entry),
        None => names.remove(&change.name),
    };
}

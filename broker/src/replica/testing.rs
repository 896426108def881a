//! What the tests of replication share.

use crate::{
    host::Address,
    ids::{BrokerEpoch, BrokerId},
    metadata::{BrokerRegistration, IncarnationId},
};

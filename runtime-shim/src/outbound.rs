//! What a component reaches from one thread, each with connections of its own: none ever meets
//! those of another, or waits because another keeps them busy.

use std::sync::Arc;

use crate::allow_list::BlockedNetworks;
use crate::app::Component;
use crate::imports::outbound_http::Client;
use crate::mysql::{self, MysqlSession};
use crate::net::Network;
use crate::postgres;
use crate::session_pool::{Addresses, Pools};

pub(crate) struct Outbound {
    pub(crate) network: Network,
    pub(crate) http: Client,
    pub(crate) postgres: Pools<postgres::Key, postgres::Session>,
    pub(crate) postgres_targets: Addresses<Arc<postgres::Target>>,
    pub(crate) mysql: Pools<Arc<mysql::Address>, MysqlSession>,
    pub(crate) mysql_targets: Addresses<Arc<mysql::Address>>,
}

impl Outbound {
    pub(crate) fn new(blocked: &BlockedNetworks, component: &Component) -> Self {
        let limits = &component.limits;
        let network = Network::new(blocked.clone(), limits);
        Self {
            http: Client::new(network.clone(), Arc::clone(&component.peer_tls), limits),
            network,
            postgres: Pools::new(limits),
            postgres_targets: Addresses::new(limits),
            mysql: Pools::new(limits),
            mysql_targets: Addresses::new(limits),
        }
    }

    /// Closes the sessions that nothing used for long.
    pub(crate) fn prune(&self) {
        self.postgres.prune();
        self.mysql.prune();
    }
}

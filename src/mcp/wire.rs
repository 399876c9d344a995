//! What a client writes before it has greeted, kept away from the server.
//!
//! The protocol lets a server end when the first thing it hears is no request. A client that sends a stray notification
//! first, or the leavings of an earlier session, is heard out instead.

use std::borrow::Cow;

use rmcp::{
    RoleServer,
    model::{ClientRequest, GetMeta as _, JsonRpcMessage},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};

/// A transport whose first word to the server is a request.
pub(super) struct Wire<T> {
    inner: T,
    greeted: bool,
}

impl<T> Wire<T> {
    /// Returns a transport over another.
    pub(super) fn new(inner: T) -> Self {
        Wire {
            inner,
            greeted: false,
        }
    }
}

/// Returns whether a request begins a session: the greeting of old, or one that brings everything with it.
fn greets(request: &ClientRequest) -> bool {
    match request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        request => request.get_meta().protocol_version().is_some(),
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Wire<T> {
    type Error = T::Error;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message = self.inner.receive().await?;
            match &message {
                JsonRpcMessage::Request(request) => self.greeted |= greets(&request.request),
                _ if !self.greeted => continue,
                _ => {}
            }
            return Some(message);
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
}

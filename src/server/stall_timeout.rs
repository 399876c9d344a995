//! A connection that is given up once its other side takes nothing any more.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How long the other side may take no byte of what waits for it: a console that was put to sleep resumes later, and one
/// on the slowest line takes some.
pub(super) const STALLED: Duration = Duration::from_secs(30);

/// A stream whose writes fail where the other side has taken nothing for so long.
pub(super) struct StallTimeout<S> {
    inner: S,
    patience: Duration,
    given_up: Pin<Box<Sleep>>,
    waits: bool,
}

impl<S> StallTimeout<S> {
    pub(super) fn new(inner: S, patience: Duration) -> Self {
        StallTimeout {
            inner,
            patience,
            given_up: Box::pin(sleep(patience)),
            waits: false,
        }
    }

    fn bounded<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.waits = false;
            return poll;
        }
        if !std::mem::replace(&mut self.waits, true) {
            let until = Instant::now() + self.patience;
            self.given_up.as_mut().reset(until);
        }
        match self.given_up.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallTimeout<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.bounded(context, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(context);
        self.bounded(context, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_shutdown(context);
        self.bounded(context, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write_vectored(context, pieces);
        self.bounded(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn who_takes_nothing_is_given_up() {
        let (near, mut far) = duplex(8);
        let mut near = StallTimeout::new(near, Duration::from_millis(20));
        near.write_all(&[7; 8]).await.unwrap();
        let stuck = near.write_all(&[7; 8]).await;
        assert_eq!(stuck.unwrap_err().kind(), io::ErrorKind::TimedOut);
        // Whoever takes something in time is waited for anew.
        let mut taken = [0; 8];
        far.read_exact(&mut taken).await.unwrap();
        near.write_all(&[7; 8]).await.unwrap();
        assert!(!near.waits);
    }
}

//! Streams of which one can tell whether anything moves: a slow link is not a dead one.

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};

/// How many bytes went through a stream.
#[derive(Debug, Default)]
pub struct ByteCounts {
    read: AtomicU64,
    written: AtomicU64,
}

impl ByteCounts {
    /// Returns the bytes that were read.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Returns the bytes that were taken from the writer.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }
}

/// A stream that counts what goes through it.
#[derive(Debug)]
pub struct CountedStream<S> {
    inner: S,
    counts: Arc<ByteCounts>,
}

impl<S> CountedStream<S> {
    /// Returns a stream over another one.
    pub fn new(inner: S) -> CountedStream<S> {
        CountedStream {
            inner,
            counts: Arc::default(),
        }
    }

    /// Returns what counts.
    pub fn counts(&self) -> Arc<ByteCounts> {
        Arc::clone(&self.counts)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CountedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(context, buffer);
        let read = buffer.filled().len().saturating_sub(before);
        self.counts.read.fetch_add(read as u64, Ordering::Relaxed);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CountedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        if let Poll::Ready(Ok(written)) = &polled {
            (self.counts.written).fetch_add(*written as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// Waits for `work`, as long as `count` is another one at the end of each `patience`; None once it was not.
pub async fn while_moving<T>(
    count: impl Fn() -> u64,
    patience: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    let mut seen = count();
    loop {
        if let Ok(done) = timeout(patience, work.as_mut()).await {
            return Some(done);
        }
        let now = count();
        if now == seen {
            return None;
        }
        seen = now;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]

    use std::{cell::Cell, future::pending};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, duplex},
        time::sleep,
    };

    use super::*;

    #[tokio::test]
    async fn what_is_slow_is_waited_for_and_what_stands_still_is_not() {
        let (count, patience) = (Cell::new(0), Duration::from_millis(1));
        let moving = || {
            count.set(count.get() + 1);
            count.get()
        };
        let slow = sleep(Duration::from_millis(30));
        assert!(while_moving(moving, patience, slow).await.is_some());
        assert!(count.get() > 1, "it was looked at meanwhile");
        assert!(
            while_moving(|| 7, patience, pending::<()>())
                .await
                .is_none()
        );
    }

    #[tokio::test]
    async fn what_goes_through_is_counted() {
        let (near, mut far) = duplex(64);
        let mut near = CountedStream::new(near);
        let moved = near.counts();
        far.write_all(b"four").await.unwrap();
        near.read_exact(&mut [0; 3]).await.unwrap();
        near.write_all(b"to").await.unwrap();
        assert_eq!((moved.read(), moved.written()), (3, 2));
    }
}

//! Free TCP ports on the loopback address.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

/// Below Linux's ephemeral range (from 32768), so that no outgoing connection takes a port between the
/// moment it was found free and the moment a server binds it, or while that server is down in a test.
const FIRST: u32 = 14_000;
const COUNT: u32 = 18_000;

/// Processes start at different places, so that test programs running side by side do not meet.
static NEXT: LazyLock<AtomicU32> = LazyLock::new(|| {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    AtomicU32::new(process::id().wrapping_mul(2_654_435_761).wrapping_add(nanos))
});

/// A port of 127.0.0.1 that nothing listens on now. One process gets each port once.
pub fn free_port() -> Result<u16> {
    for _ in 0..COUNT {
        let port = u16::try_from(FIRST + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT)?;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port on 127.0.0.1 from {FIRST} to {}", FIRST + COUNT - 1)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    #[test]
    fn ports_are_distinct_and_can_be_bound() -> anyhow::Result<()> {
        let held: Vec<TcpListener> = (0..50)
            .map(|_| Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, super::free_port()?))?))
            .collect::<anyhow::Result<_>>()?;
        assert_eq!(held.len(), 50);
        Ok(())
    }
}

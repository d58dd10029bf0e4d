//! Whether an alarm is taken: what was agreed with the partner, what is known of the device, and our clock.

use chassis::data::AreaCode;
use chrono::{DateTime, Utc};

use super::{AlarmKind, AlarmRules, NotTaken};

/// An alarm as it was sent, once it could be read.
#[derive(Clone, PartialEq)]
pub struct Raised {
    /// The partner's own number of it.
    pub id: String,
    /// The registered code of the device.
    pub device: String,
    pub kind: AlarmKind,
    pub at: DateTime<Utc>,
    /// 1 to 4; 0: not said.
    pub priority: i32,
    /// Latitude and longitude, WGS84 degrees.
    pub point: Option<(f64, f64)>,
    /// Text, whatever it looks like; empty: none.
    pub note: String,
    /// Empty: none.
    pub video: String,
}

/// What was agreed with a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    pub areas: Vec<AreaCode>,
    pub kinds: Vec<AlarmKind>,
    /// Lower-case host names.
    pub video_hosts: Vec<String>,
}

/// What is known of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub area: AreaCode,
    pub point: (f64, f64),
    /// It watches an area that nobody may enter.
    pub restricted: bool,
    pub retired: bool,
}

/// Whether the alarm is taken at `now`. The device is the partner's.
pub fn check(
    raised: &Raised,
    agreed: &Agreement,
    device: Standing,
    now: DateTime<Utc>,
    rules: &AlarmRules,
) -> Result<(), NotTaken> {
    let named = || raised.device.clone();
    let Standing { area, point, restricted, retired } = device;
    if retired {
        return Err(NotTaken::Retired { device: named() });
    }
    if !agreed.areas.iter().any(|agreed| agreed.contains(area)) {
        return Err(NotTaken::OutsideAreas { device: named() });
    }
    if !agreed.kinds.contains(&raised.kind) {
        return Err(NotTaken::NotAgreed { kind: raised.kind.code() });
    }
    if raised.kind == AlarmKind::Intrusion && !restricted {
        return Err(NotTaken::NotRestricted { device: named() });
    }
    if raised.at > now + rules.ahead {
        return Err(NotTaken::Ahead { seconds: (raised.at - now).num_seconds() });
    }
    if raised.at < now - rules.behind {
        return Err(NotTaken::Behind { hours: (now - raised.at).num_hours(), most: rules.behind.num_hours() });
    }
    if let Some(said) = raised.point {
        let metres = distance(said, point);
        if metres > rules.far {
            #[expect(clippy::cast_possible_truncation, reason = "no two points are farther apart than 20,000 km")]
            return Err(NotTaken::Elsewhere { device: named(), metres: metres.round() as i64 });
        }
    }
    if raised.video.is_empty() || is_agreed(&raised.video, &agreed.video_hosts) {
        Ok(())
    } else {
        Err(NotTaken::VideoHost)
    }
}

/// Metres between two points, on a sphere.
fn distance((lat1, lon1): (f64, f64), (lat2, lon2): (f64, f64)) -> f64 {
    const EARTH: f64 = 6_371_008.8;
    let (north, east) = ((lat2 - lat1).to_radians(), (lon2 - lon1).to_radians());
    let half =
        (north / 2.0).sin().powi(2) + lat1.to_radians().cos() * lat2.to_radians().cos() * (east / 2.0).sin().powi(2);
    2.0 * EARTH * half.sqrt().min(1.0).asin()
}

/// Only what is plain to read is a URL here: a host that two programs could read differently is refused.
fn is_agreed(url: &str, hosts: &[String]) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("rtsps://")) else { return false };
    if !url.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>')) {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let is_port = !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    is_port && hosts.iter().any(|agreed| agreed.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_of_agreed_hosts() {
        let hosts = ["nvr.example.cn".to_owned()];
        for good in ["https://nvr.example.cn/a?t=1#x", "rtsps://NVR.example.cn:322/7", "https://nvr.example.cn"] {
            assert!(is_agreed(good, &hosts), "{good}");
        }
        for bad in [
            "http://nvr.example.cn/a",
            "https://nvr.example.cn.evil.cn/a",
            "https://evil.cn/nvr.example.cn",
            "https://nvr.example.cn@evil.cn/",
            "https://user:pw@nvr.example.cn/",
            "https://evil.cn\\@nvr.example.cn/",
            "https://nvr.example.cn:443@evil.cn/",
            "https://nvr.example.cn:/a",
            "https://nvr.example.cn/<b>",
            "javascript:alert(1)",
            "https://",
            "https://nvr.example.cn /",
        ] {
            assert!(!is_agreed(bad, &hosts), "{bad}");
        }
    }

    #[test]
    fn metres() {
        let here = (31.86, 106.75);
        assert!(distance(here, here) < 0.001);
        let degree = distance((31.0, 106.0), (32.0, 106.0));
        assert!((degree - 111_195.0).abs() < 10.0, "{degree}");
        assert!(distance(here, (-31.86, -73.25)) > 20_000_000.0);
    }
}

//! Times in configuration files: `"5s"`.

use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};

/// Units by their names, in milliseconds, the smallest first.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000)];

/// `5s` of five seconds: a whole number of the largest unit that fits. What is below a millisecond is left out.
pub(crate) fn to_text(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let fitting = UNITS.iter().rev().find(|(_, unit)| millis.is_multiple_of(*unit));
    fitting.map_or_else(String::new, |(name, unit)| format!("{}{name}", millis / unit))
}

fn parse(text: &str) -> Result<Duration, String> {
    let refused = |why: &str| format!("the time {text:?} {why}: write a number and ms, s, min or h, as in \"5s\"");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or_default();
    let number: u64 = number.parse().map_err(|_| refused("has no number that can be used"))?;
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit.trim_start()).ok_or_else(|| refused("has no unit that is known"))?;
    match number.checked_mul(*unit) {
        Some(0) => Err(format!("the time {text:?} is none: leave the key out to have none")),
        Some(millis) => Ok(Duration::from_millis(millis)),
        None => Err(refused("is too long")),
    }
}

pub(crate) fn serialize<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(to_text).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse(&text).map_err(D::Error::custom)).transpose()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, millis, written) in
            [("500ms", 500, "500ms"), ("5s", 5000, "5s"), ("90 s", 90_000, "90s"), ("2m", 120_000, "2min"), ("60min", 3_600_000, "1h")]
        {
            let time = parse(text).unwrap();
            assert_eq!(time, Duration::from_millis(millis), "{text}");
            assert_eq!(to_text(time), written);
            assert_eq!(parse(written).unwrap(), time);
        }
        for text in ["", "5", "s", "-5s", "5 parsecs", "1.5s", "99999999999999999999s", "9999999999999999h", "0s"] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(text), "{error}");
        }
    }
}

use std::process::ExitCode;

use serde_json::json;

use crate::arguments::Stat;
use crate::failure::Failure;
use crate::output::{Format, print, print_json, shown, table};
use crate::place::Place;

pub(crate) async fn run(options: &Stat, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::of(&options.url, options.path.as_deref())?;
    let storage = place.open_for_reading().await?;
    let found = storage.stat(&place.path).await.map_err(|error| Failure::from(error).at(&place.url))?;
    let modified = found.modified.map(rfc3339);
    let accessed = found.accessed.map(rfc3339);
    let mode = found.mode.map(|mode| format!("{mode:04o}"));
    // What few engines keep has a line only where it is kept.
    let kept = [("accessed", &accessed), ("mode", &mode), ("link target", &found.link_target)];
    let kept = kept.into_iter().filter_map(|(name, value)| Some(vec![name.to_owned(), shown(value.as_deref()?)]));
    match format {
        Format::Table => print(&table(
            &[
                vec!["path".to_owned(), if place.path.is_root() { "(the root)".to_owned() } else { shown(place.path.as_str()) }],
                vec!["kind".to_owned(), found.kind.as_str().to_owned()],
                vec!["length".to_owned(), format!("{} bytes", found.len)],
                vec!["modified".to_owned(), modified.unwrap_or_else(|| "not known".to_owned())],
                vec!["revision".to_owned(), format!("{:016x}", found.revision)],
            ]
            .into_iter()
            .chain(kept)
            .collect::<Vec<_>>(),
            &[],
        ))?,
        Format::Json => print_json(&json!({
            "url": place.url,
            "path": place.path.as_str(),
            "kind": found.kind.as_str(),
            "len": found.len,
            "modified": modified,
            "accessed": accessed,
            "mode": mode,
            "link_target": found.link_target,
            // Text, because JSON numbers lose bits beyond 2^53.
            "revision": format!("{:016x}", found.revision),
        }))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A moment in UTC, `2026-11-20T13:05:09.123Z`.
pub(crate) fn rfc3339(at: anystorage::api::Timestamp) -> String {
    let days = at.seconds().div_euclid(86_400);
    let second = at.seconds().rem_euclid(86_400);
    let (year, month, day) = civil_date(days);
    let (hour, minute, second, millis) = (second / 3600, second / 60 % 60, second % 60, at.nanoseconds() / 1_000_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn civil_date(days: i64) -> (i64, i64, i64) {
    // Counted in years that begin in March, so that the leap day is the last one, and in eras of 400 years, which are all alike.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anystorage::api::Timestamp;

    #[test]
    fn moments_are_shown_in_utc() {
        // Checked with `date -u -d @SECONDS`.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(Timestamp::new(seconds, 0)), text);
        }
        assert_eq!(rfc3339(Timestamp::from_unix_millis(1_763_644_509_123)), "2025-11-20T13:15:09.123Z");
    }
}

//! Figures in words.

/// What is shown where there is no figure.
pub(crate) const DASH: &str = "–";

/// A share, from 0 to 1, in percent: 0.41234 with 2 decimals as `41.23 %`.
#[must_use]
pub fn percent(share: f64, decimals: usize) -> String {
    of_hundred(100.0 * share, decimals)
}

/// A number that is in percent already: 41.234 with 2 decimals as `41.23 %`.
pub(crate) fn of_hundred(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$} %")
}

/// The value as `format` writes it, or a dash, `–`, if there is none.
#[must_use]
pub fn or_dash<T>(value: Option<T>, format: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| DASH.into(), format)
}

/// A time, with three digits: `9.50 s`, `75.0 s`, `843 s`, `5,025 s`; from ten thousand seconds on in hours: `2.8 h`.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    match seconds {
        ..9.995 => format!("{seconds:.2} s"),
        ..99.95 => format!("{seconds:.1} s"),
        ..9999.5 => format!("{} s", thousands(seconds.round() as usize)),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

/// A number of things: exact below a million, and from there on with three digits: `497,240`, `1.23 M`, `154 M`.
pub(crate) fn count(number: usize) -> String {
    let millions = number as f64 / 1e6;
    match millions {
        ..1.0 => thousands(number),
        ..9.995 => format!("{millions:.2} M"),
        ..99.95 => format!("{millions:.1} M"),
        _ => format!("{} M", thousands(millions.round() as usize)),
    }
}

/// Two digits and a power of ten: 0.00123 as `1.2e-3`; 0 as `0`.
#[must_use]
pub fn scientific(number: f64) -> String {
    if number == 0.0 { "0".into() } else { format!("{number:.1e}") }
}

/// Digits in groups of three: 1234567 as `1,234,567`.
#[must_use]
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_three() {
        assert_eq!(
            [0, 999, 1000, 123_456, 1_234_567].map(thousands),
            ["0", "999", "1,000", "123,456", "1,234,567"]
        );
    }

    #[test]
    fn seconds_have_three_digits() {
        assert_eq!([0.014, 9.5, 9.996, 75.04].map(seconds), ["0.01 s", "9.50 s", "10.0 s", "75.0 s"]);
        assert_eq!(
            [99.97, 843.2, 5025.0, 9999.6, 43_200.0].map(seconds),
            ["100 s", "843 s", "5,025 s", "2.8 h", "12.0 h"]
        );
    }

    #[test]
    fn counts_are_exact_below_a_million() {
        assert_eq!(
            [0, 497_240, 999_999, 1_234_567, 9_996_000, 153_600_000, 1_234_000_000].map(count),
            ["0", "497,240", "999,999", "1.23 M", "10.0 M", "154 M", "1,234 M"]
        );
    }

    #[test]
    fn shares_are_in_percent_and_nothing_is_a_dash() {
        assert_eq!((percent(0.41234, 2), percent(1.0, 0)), ("41.23 %".into(), "100 %".into()));
        assert_eq!(or_dash(Some(0.5), |share| percent(share, 1)), "50.0 %");
        assert_eq!(or_dash(None, scientific), "–");
        assert_eq!([0.0, 0.00123].map(scientific), ["0", "1.2e-3"]);
    }
}

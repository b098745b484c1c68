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

/// A time in seconds, with two decimals below ten and one from there on: `9.50 s`, `75.0 s`.
#[must_use]
pub fn seconds(seconds: f64) -> String {
    let decimals = if seconds < 10.0 { 2 } else { 1 };
    format!("{seconds:.decimals$} s")
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
        assert_eq!([0.014, 9.5, 75.04].map(seconds), ["0.01 s", "9.50 s", "75.0 s"]);
    }

    #[test]
    fn shares_are_in_percent_and_nothing_is_a_dash() {
        assert_eq!((percent(0.41234, 2), percent(1.0, 0)), ("41.23 %".into(), "100 %".into()));
        assert_eq!(or_dash(Some(0.5), |share| percent(share, 1)), "50.0 %");
        assert_eq!(or_dash(None, scientific), "–");
        assert_eq!([0.0, 0.00123].map(scientific), ["0", "1.2e-3"]);
    }
}

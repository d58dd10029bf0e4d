//! What lies near: distances on the ground, and the cells by which the store finds it.
//!
//! The earth is cut into cells of 1/200 of a degree (about 556 m from south to north), numbered row by row. Everything within a
//! distance lies in few cells, so that an index over them finds it.

/// WGS84 degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub latitude: f64,
    pub longitude: f64,
}

/// From south to north and from west to east.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Square {
    pub south: f64,
    pub north: f64,
    pub west: f64,
    pub east: f64,
}

/// Cells of one degree, and of a whole row.
const PER_DEGREE: f64 = 200.0;
const ROW: i64 = 360 * 200;
/// Mean radius of the earth, in metres.
const EARTH_M: f64 = 6_371_008.8;
/// Beyond these degrees of latitude a square would become too wide; it stays as wide as it is there.
const WIDEST: f64 = 60.0;

impl Point {
    /// Metres between two points, by the great circle: right to 0.6 % on the ground.
    pub fn metres_to(self, other: Self) -> f64 {
        let (from, to) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
        let along = half(other.latitude - self.latitude);
        let across = from.cos() * to.cos() * half(other.longitude - self.longitude);
        2.0 * EARTH_M * (along + across).sqrt().min(1.0).asin()
    }

    /// The square that holds everything within so many metres, up to 60° of latitude.
    pub fn square(self, metres: u32) -> Square {
        let up = (f64::from(metres) / EARTH_M).to_degrees();
        let widest = (self.latitude.abs() + up).min(WIDEST);
        let aside = up / widest.to_radians().cos();
        Square {
            south: (self.latitude - up).max(-90.0),
            north: (self.latitude + up).min(90.0),
            west: (self.longitude - aside).max(-180.0),
            east: (self.longitude + aside).min(180.0),
        }
    }
}

impl Square {
    /// The numbers of all cells that it touches.
    pub fn cells(self) -> Vec<i64> {
        let Self { south, north, west, east } = self;
        let (rows, columns) = (line(south + 90.0)..=line(north + 90.0), line(west + 180.0)..=line(east + 180.0));
        rows.flat_map(|row| columns.clone().map(move |column| row * ROW + column)).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most 360 degrees, so at most 72,000")]
fn line(degrees: f64) -> i64 {
    (degrees * PER_DEGREE).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BAIYU: Point = Point { latitude: 31.86, longitude: 106.75 };

    #[test]
    fn a_degree_is_as_long_as_it_is() {
        let north = Point { latitude: 32.86, ..BAIYU };
        let east = Point { longitude: 107.75, ..BAIYU };
        // A 360th of the circumference, and the cosine of the latitude of it.
        assert!((BAIYU.metres_to(north) - 111_195.0).abs() < 1.0);
        assert!((BAIYU.metres_to(east) - 94_439.0).abs() < 20.0, "{}", BAIYU.metres_to(east));
        assert!(BAIYU.metres_to(BAIYU) < 1e-6);
    }

    #[test]
    fn few_cells_hold_a_neighbourhood() {
        assert!(BAIYU.square(30).cells().len() <= 4);
        assert!(BAIYU.square(200).cells().len() <= 4);
        assert!(BAIYU.square(5000).cells().len() <= 500);
    }

    proptest! {
        #[test]
        fn what_is_near_lies_in_the_square_and_its_cells(
            latitude in -59.0..59.0f64, longitude in -179.0..179.0f64,
            metres in 1..5000u32, angle in 0.0..std::f64::consts::TAU, part in 0.0..0.999f64,
        ) {
            let here = Point { latitude, longitude };
            let up = (f64::from(metres) * part / EARTH_M).to_degrees();
            let there = Point {
                latitude: latitude + up * angle.sin(),
                longitude: longitude + up * angle.cos() / latitude.to_radians().cos(),
            };
            prop_assume!(here.metres_to(there) <= f64::from(metres));
            let square = here.square(metres);
            prop_assert!(square.south <= there.latitude && there.latitude <= square.north);
            prop_assert!(square.west <= there.longitude && there.longitude <= square.east);
            let cell = line(there.latitude + 90.0) * ROW + line(there.longitude + 180.0);
            prop_assert!(square.cells().contains(&cell));
        }
    }
}

//! Which work is done when.

use performance::offer::Offer;
use performance::rounds::median;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Each work at one size: half a minute.
    Quick,
    /// At all sizes, and for longer: some minutes.
    Whole,
}

impl Amount {
    /// Rounds that each size is measured in, and the milliseconds that each takes at least.
    fn rounds(self) -> (usize, f64) {
        match self {
            Amount::Quick => (3, 100.0),
            Amount::Whole => (5, 200.0),
        }
    }

    /// The work and sizes, in order.
    pub fn plan(self, offers: &[Offer]) -> Vec<(String, u32)> {
        let sizes = |offer: &Offer| match self {
            Amount::Quick => vec![offer.quick],
            Amount::Whole => offer.sizes.clone(),
        };
        let of_one = |offer: &Offer| {
            let name = offer.name.clone();
            sizes(offer)
                .into_iter()
                .map(move |size| (name.clone(), size))
        };
        offers.iter().flat_map(of_one).collect()
    }
}

/// What the worker is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// To prepare work at a size.
    Make(String, u32),
    /// To do it for so many milliseconds.
    Round(f64),
}

/// What came of one work at one size: nanoseconds an operation, or why there are none.
pub type Outcome = Result<f64, String>;

/// A run through all of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    plan: Vec<(String, u32)>,
    rounds: (usize, f64),
    /// How much of the plan is done.
    at: usize,
    /// What the rounds of the present work have come to.
    seen: Vec<f64>,
}

impl Course {
    /// The beginning. `None` if there is nothing to do.
    pub fn begin(amount: Amount, offers: &[Offer]) -> Option<(Course, Ask)> {
        let course = Course {
            plan: amount.plan(offers),
            rounds: amount.rounds(),
            at: 0,
            seen: Vec::new(),
        };
        let ask = course.make()?;
        Some((course, ask))
    }

    /// What is done now.
    pub fn now(&self) -> Option<&(String, u32)> {
        self.plan.get(self.at)
    }

    /// How much is done, and of how much.
    pub fn progress(&self) -> (usize, usize) {
        (self.at, self.plan.len())
    }

    /// The worker has answered. What has come to an end by that, and what it is asked next; `None`
    /// when all is done.
    pub fn heard(&mut self, answer: Result<Option<f64>, String>) -> (Option<Outcome>, Option<Ask>) {
        let (count, least_ms) = self.rounds;
        let outcome = match answer {
            Err(reason) => Err(reason),
            Ok(cost) => {
                self.seen.extend(cost);
                match median(&self.seen) {
                    Some(cost) if self.seen.len() >= count => Ok(cost),
                    _ => return (None, Some(Ask::Round(least_ms))),
                }
            }
        };
        self.seen.clear();
        self.at += 1;
        (Some(outcome), self.make())
    }

    /// To prepare what is to be done now.
    pub fn make(&self) -> Option<Ask> {
        self.now()
            .map(|(name, size)| Ask::Make(name.clone(), *size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offers() -> Vec<Offer> {
        ["a", "b"]
            .map(|name| Offer {
                name: name.to_string(),
                what: String::new(),
                sizes: vec![10, 100, 1000],
                quick: 100,
            })
            .to_vec()
    }

    #[test]
    fn a_quick_course_does_each_work_at_one_size() {
        let (mut course, first) = Course::begin(Amount::Quick, &offers()).expect("work");
        assert_eq!(first, Ask::Make("a".to_string(), 100));
        let round = Some(Ask::Round(100.0));
        assert_eq!(course.heard(Ok(None)), (None, round.clone()));
        assert_eq!(course.heard(Ok(Some(7.0))), (None, round.clone()));
        assert_eq!(course.heard(Ok(Some(9.0))), (None, round));
        let next = Some(Ask::Make("b".to_string(), 100));
        assert_eq!(course.heard(Ok(Some(8.0))), (Some(Ok(8.0)), next));
        assert_eq!(course.progress(), (1, 2));
    }

    #[test]
    fn what_fails_is_passed_over() {
        let (mut course, _) = Course::begin(Amount::Quick, &offers()).expect("work");
        let reason = "no memory".to_string();
        let next = Some(Ask::Make("b".to_string(), 100));
        assert_eq!(
            course.heard(Err(reason.clone())),
            (Some(Err(reason.clone())), next)
        );
        assert_eq!(course.heard(Err(reason.clone())), (Some(Err(reason)), None));
        assert_eq!((course.now(), course.progress()), (None, (2, 2)));
    }

    #[test]
    fn a_whole_course_does_all_sizes() {
        assert_eq!(Amount::Whole.plan(&offers()).len(), 6);
        assert!(Course::begin(Amount::Whole, &[]).is_none());
    }
}

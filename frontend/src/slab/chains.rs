//! Who holds which free object, and which goes next.

use labs::view::{CacheSlabsView, PlaceState, PlaceView, SlabList, SlabPage, address};

/// Who hands out a free object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// The slab that it lies in.
    Slab,
    /// This CPU.
    Cpu(usize),
    /// The CPUs of this node together.
    Shared(usize),
    /// This node, for another one.
    Alien(usize),
}

/// The free objects of a cache, each with its holder and its turn.
#[derive(Debug, Default)]
pub struct Chains {
    /// By handle.
    turns: Vec<(u32, Holder, u32)>,
}

impl Chains {
    /// Of all slabs that are shown.
    pub fn new(view: &CacheSlabsView) -> Chains {
        let mut turns = Vec::new();
        let mut add = |holder: Holder, free: &[u32]| {
            turns.extend((0..).zip(free).map(|(turn, at)| (*at, holder, turn)));
        };
        for (cpu, it) in view.cpus.iter().enumerate() {
            add(Holder::Cpu(cpu), &it.free);
        }
        for (node, it) in view.nodes.iter().enumerate() {
            add(Holder::Shared(node), &it.shared);
            add(Holder::Alien(node), &it.alien);
        }
        for slab in &view.slabs {
            let chain = slab.chain.iter();
            let chain = chain.filter_map(|place| slab.places.get(usize::from(*place)));
            add(Holder::Slab, &chain.map(|it| it.at).collect::<Vec<u32>>());
        }
        turns.sort_unstable();
        Chains { turns }
    }

    /// Who hands out the object at the handle `at`, and after how many others.
    pub fn turn(&self, at: u32) -> Option<(Holder, u32)> {
        let place = self.turns.partition_point(|turn| turn.0 < at);
        let turn = self.turns.get(place).filter(|turn| turn.0 == at)?;
        Some((turn.1, turn.2))
    }

    /// The handle of the object that this holder hands out after so many others.
    pub fn at(&self, holder: Holder, turn: u32) -> Option<u32> {
        let mut turns = self.turns.iter();
        let found = turns.find(|it| (it.1, it.2) == (holder, turn))?;
        Some(found.0)
    }

    /// The free objects of a slab as links from one to the next of the same holder, both in this
    /// slab, as numbers into its places.
    pub fn links(&self, slab: &SlabPage) -> Vec<(Holder, usize, usize)> {
        let mut own: Vec<(Holder, u32, usize)> = Vec::new();
        for (number, place) in slab.places.iter().enumerate() {
            if place.state != PlaceState::InUse
                && let Some((holder, turn)) = self.turn(place.at)
            {
                own.push((holder, turn, number));
            }
        }
        own.sort_unstable();
        let pairs = own.windows(2);
        let linked = pairs.filter(|it| it[0].0 == it[1].0 && it[0].1 + 1 == it[1].1);
        linked.map(|it| (it[0].0, it[0].2, it[1].2)).collect()
    }

    /// A place in words.
    pub fn text(&self, slab: &SlabPage, number: usize) -> String {
        let Some(place) = slab.places.get(number) else {
            return String::new();
        };
        let mut text = words::slab::place(
            address(place.at),
            number,
            slab.frame,
            place.bytes,
            self.state(place),
        );
        for note in [&place.cache, &place.damage] {
            if !note.is_empty() {
                text.push_str(" · ");
                text.push_str(note);
            }
        }
        text
    }

    fn state(&self, place: &PlaceView) -> String {
        if place.state == PlaceState::InUse {
            return words::slab::state_in_use().to_string();
        }
        let Some((holder, turn)) = self.turn(place.at) else {
            return words::slab::state_free().to_string();
        };
        let holder = match holder {
            Holder::Slab => words::slab::holder_slab().to_string(),
            Holder::Cpu(cpu) => words::slab::holder_cpu(cpu),
            Holder::Shared(node) => words::slab::holder_shared(node),
            Holder::Alien(node) => words::slab::holder_alien(node),
        };
        match turn {
            0 => words::slab::free_next(holder),
            turn => words::slab::free_after(holder, turn),
        }
    }
}

/// The slab and the place of the object at the handle `at`, as numbers. The slabs are in the order
/// of their frames.
pub fn find(slabs: &[SlabPage], at: u32) -> Option<(usize, usize)> {
    let after = slabs.partition_point(|slab| slab.frame * 512 <= at);
    let slab = after.checked_sub(1)?;
    let places = &slabs[slab].places;
    let place = places.binary_search_by_key(&at, |place| place.at).ok()?;
    Some((slab, place))
}

/// Where a slab is kept, in a word or two. `place` is its place on its list.
pub fn list_text(list: SlabList, place: Option<usize>) -> String {
    let mut text = list.words();
    if let Some(place) = place {
        text.push_str(&format!(" {}", place + 1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use labs::view::CpuView;

    fn slab(states: &[PlaceState], chain: &[u16]) -> SlabPage {
        let place = |(number, state): (usize, &PlaceState)| PlaceView {
            at: 5120 + number as u32 * 8,
            bytes: 64,
            state: *state,
            damage: String::new(),
            cache: String::new(),
        };
        SlabPage {
            frame: 10,
            node: 0,
            list: SlabList::Cpu(0),
            in_use: 0,
            offset: 0,
            colour: 0,
            places: states.iter().enumerate().map(place).collect(),
            chain: chain.into(),
            damage: String::new(),
        }
    }

    #[test]
    fn every_free_object_knows_its_turn() {
        use PlaceState::{Free, InUse, Kept};
        let slab = slab(&[InUse, Free, Kept, Free, Kept, Free], &[3, 1, 5]);
        let cpu = CpuView {
            // The last one lies in another slab.
            free: vec![5120 + 4 * 8, 5120 + 2 * 8, 9000],
            ..CpuView::default()
        };
        let view = CacheSlabsView {
            cpus: vec![cpu],
            slabs: vec![slab.clone()],
            ..CacheSlabsView::default()
        };
        let chains = Chains::new(&view);
        assert_eq!(chains.turn(5120), None);
        assert_eq!(chains.turn(5120 + 24), Some((Holder::Slab, 0)));
        assert_eq!(chains.turn(5120 + 16), Some((Holder::Cpu(0), 1)));
        let links = chains.links(&slab);
        let slab_s = (Holder::Slab, 3, 1);
        assert_eq!(
            links,
            [slab_s, (Holder::Slab, 1, 5), (Holder::Cpu(0), 4, 2)]
        );
        assert!(chains.text(&slab, 0).ends_with("· in use"));
        let text = chains.text(&slab, 4);
        assert!(text.contains("kept by CPU 0, handed out next"), "{text}");
        let text = chains.text(&slab, 5);
        assert!(text.contains("freelist, after 2 others"), "{text}");
        assert_eq!(chains.text(&slab, 6), "");
    }
}

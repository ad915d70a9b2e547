// What axe-core cannot judge, because it takes keys, other sizes or other settings. Each function answers with
// the barriers it found, as texts; the first two walk with the tests' own presses of Tab.

globalThis.access = (() => {
    const OPERABLE = 'a[href], button, input, select, textarea, summary, iframe, [tabindex]';

    const named = element => {
        const classes = [...element.classList].map(it => '.' + it).join('');
        const id = element.id ? '#' + element.id : '';
        const text = (element.ariaLabel ?? element.textContent ?? '').trim().slice(0, 30);
        return `${element.localName}${id}${classes} "${text}"`;
    };
    const isSeen = element => element.checkVisibility({visibilityProperty: true});
    const modal = () => [...document.querySelectorAll('dialog:modal')].at(-1);
    const room = () => modal() ?? document;

    /// What Tab should reach: of radio buttons of one name the chosen one stands for all.
    const stops = () => [...room().querySelectorAll(OPERABLE)].filter(element => element.tabIndex >= 0 &&
        !element.disabled && isSeen(element) && !element.closest('[inert]') &&
        !(element.type === 'radio' && !element.checked &&
            room().querySelector(`[type=radio][name="${element.name}"]:checked`)));

    const LOOKS = ['outlineStyle', 'outlineWidth', 'outlineColor', 'boxShadow', 'backgroundColor', 'borderTopColor',
        'borderBottomColor', 'textDecorationLine'];
    /// How an element and what is around it look: the focus may be shown by either.
    const looks = element => {
        const chain = [element, element.parentElement, element.parentElement?.parentElement].filter(it => it);
        return chain.map(it => { const style = getComputedStyle(it); return LOOKS.map(name => style[name]).join(); });
    };

    const colour = text => {
        const numbers = /rgba?\(([^)]*)\)/.exec(text)?.[1].split(/[, /]+/).map(Number);
        return numbers && {rgb: numbers.slice(0, 3), alpha: numbers[3] ?? 1};
    };
    const luminance = rgb => {
        const [r, g, b] = rgb.map(it => it / 255).map(it => it <= .04045 ? it / 12.92 : ((it + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const contrast = (a, b) => {
        const [low, high] = [luminance(a), luminance(b)].sort((a, b) => a - b);
        return (high + .05) / (low + .05);
    };
    const paper = element => {
        for (let it = element; it; it = it.parentElement) {
            const found = colour(getComputedStyle(it).backgroundColor);
            if (found?.alpha === 1) return found.rgb;
        }
        return [255, 255, 255];
    };

    let unfocused = new Map();
    let walked = [];

    return {
        /// Begins a walk: notes what Tab should reach and how it looks without the focus.
        begin() {
            document.activeElement?.blur();
            unfocused = new Map(stops().map(element => [element, looks(element)]));
            walked = [];
            return unfocused.size;
        },

        /// After a press of Tab: notes where the focus is. Says whether the walk is over, because it is where it
        /// began or does not get on.
        arrive() {
            const element = document.activeElement;
            // Out of the page, into the browser's own controls, and in again at the next press.
            if (!element || element === document.body || element === document.documentElement || element === modal()) {
                const away = walked.slice(-3).filter(stop => stop.element === null).length;
                return away === 3 ? 'over' : (walked.push({element: null, barriers: []}), 'on');
            }
            if (walked.at(-1)?.element === element) {
                walked.push({element, barriers: [`2.1.2: Tab does not get away from ${named(element)}`]});
                return 'over';
            }
            if (walked.some(stop => stop.element === element)) return 'over';
            const before = unfocused.get(element);
            const barriers = [];
            const now = looks(element);
            if (before && now.every((look, level) => look === before[level])) {
                barriers.push(`2.4.7: the focus does not show: ${named(element)}`);
            }
            const style = getComputedStyle(element);
            if (style.outlineStyle !== 'none' && style.outlineStyle !== 'auto') {
                const ratio = contrast(colour(style.outlineColor).rgb, paper(element.parentElement ?? element));
                if (ratio < 3) barriers.push(`1.4.11: the focus's outline has ${ratio.toFixed(1)}:1: ${named(element)}`);
            }
            // In the middle or near a corner something of it must be there.
            const box = element.getBoundingClientRect();
            const spots = [[.5, .5], [.1, .1], [.9, .1], [.1, .9], [.9, .9], [.5, .1], [.5, .9]];
            const shows = spots.some(([x, y]) => {
                const hit = document.elementFromPoint(box.x + box.width * x, box.y + box.height * y);
                return element.contains(hit) || [...element.labels ?? []].some(label => label.contains(hit));
            });
            if (!shows) barriers.push(`2.4.11: the focus is covered or outside: ${named(element)}`);
            walked.push({element, barriers});
            return 'on';
        },

        /// Ends the walk: what Tab left out, what it reached in another order than one reads, and the rest.
        end() {
            const barriers = walked.flatMap(stop => stop.barriers);
            const reached = new Set(walked.map(stop => stop.element));
            for (const element of unfocused.keys()) {
                if (element.isConnected && isSeen(element) && !reached.has(element)) {
                    barriers.push(`2.1.1: Tab does not reach ${named(element)}`);
                }
            }
            // The walk may begin anywhere; then it comes round once, by way of the browser's own controls or not.
            let rounds = walked.some(stop => !stop.element) ? 1 : 0;
            for (let at = 1; at < walked.length; at++) {
                const [one, other] = [walked[at - 1].element, walked[at].element];
                if (!one?.isConnected || !other?.isConnected) continue;
                if (one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING) continue;
                if (rounds++ > 0) barriers.push(`2.4.3: Tab goes back from ${named(one)} to ${named(other)}`);
            }
            return barriers;
        },

        /// Nothing makes the page as a whole scroll sideways; only what is two-dimensional does so by itself.
        reflow() {
            const barriers = [];
            const over = document.documentElement.scrollWidth - innerWidth;
            if (over > 0) barriers.push(`1.4.10: the page is ${over} pixels wider than the window`);
            for (const element of room().querySelectorAll('*')) {
                const style = getComputedStyle(element);
                if (!isSeen(element) || !['auto', 'scroll'].includes(style.overflowX)) continue;
                if (element.scrollWidth <= element.clientWidth + 1) continue;
                const isFlat = element.querySelector('table, canvas, svg, pre, [role=tree], [role=treegrid], [role=grid]') ||
                    element.matches('.console, pre, textarea, input, [role=tablist], [role=treegrid], [role=grid]') ;
                if (!isFlat) barriers.push(`1.4.10: scrolls sideways: ${named(element)}`);
            }
            return barriers;
        },

        /// What text is cut off: by name, to compare before and after.
        cut() {
            const found = {};
            for (const element of room().querySelectorAll('*')) {
                const style = getComputedStyle(element);
                const hides = axis => ['hidden', 'clip'].includes(axis);
                const own = [...element.childNodes].some(it => it.nodeType === 3 && it.textContent.trim());
                if (!isSeen(element) || !own || element.closest('.unseen')) continue;
                // Who cannot read all of it there finds it elsewhere: as a title, or to be scrolled to.
                if (style.textOverflow === 'ellipsis') continue;
                const wide = hides(style.overflowX) && element.scrollWidth > element.clientWidth + 1;
                const high = hides(style.overflowY) && element.scrollHeight > element.clientHeight + 2;
                if (wide || high) found[named(element)] = true;
            }
            return Object.keys(found);
        },

        /// Spreads text as far as readers may (1.4.12).
        spread() {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
                word-spacing: .16em !important } p { margin-bottom: 2em !important }`);
            document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
        },

        /// And takes that back.
        gather() {
            document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1);
        },

        /// What moves by itself.
        moving() {
            return document.getAnimations().filter(it => it.playState === 'running' &&
                    it.effect.getComputedTiming().endTime > it.effect.getComputedTiming().delay)
                .map(it => `2.3.3: moves: ${named(it.effect.target)}`);
        },
    };
})();

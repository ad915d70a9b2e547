//! `oom`: calls the OOM killer by hand, as the magic key `SysRq-f` does, and asks what it would have done
//! under another policy.

use super::subcommands::{self, Arguments, subcommands};
use super::{Outcome, number};
use crate::mem::{Gfp, MEM};
use crate::oom::{self, OomControl, policy};
use crate::shell::STATUS_USAGE;
use crate::shell::context::Context;
use crate::shell::lexer::Shortened;
use crate::shell::units;
use crate::shell::words::Words;

subcommands! {
    "trigger", "[order=N] [gfp=MASK] [nodes=LIST]", 0..=3, trigger,
        "have the OOM killer choose a task and kill it, as if the shell could not get a page";
    "compare", "POLICY,POLICY,...", 1..=1, compare,
        "run the lines so far again under each policy: who would have been killed, what that costs";
}

pub(super) fn oom(context: &mut Context<'_>, words: &Words) -> Outcome {
    subcommands::run(context, words, "oom", SUBCOMMANDS)
}

/// Policies that are compared at a time.
const POLICIES_MAX: usize = 8;

/// The kernel has no log, so whoever keeps that answers. What the kernel does does not depend on it.
fn compare(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let names = arguments.get(0);
    if names.split(',').count() > POLICIES_MAX {
        context.error(format_args!(
            "oom: at most {POLICIES_MAX} policies are compared at a time"
        ));
        return Ok(STATUS_USAGE);
    }
    let is_known = |name: &&str| policy::find(context.mem, name).is_some();
    if let Some(name) = names.split(',').find(|name| !is_known(name)) {
        let name = Shortened(name);
        context.error(format_args!(
            "oom: there is no policy '{name}'; cat /proc/sys/vm/oom_policy lists them"
        ));
        return Ok(STATUS_USAGE);
    }
    if !context.compare_policies(names) {
        context.error(format_args!(
            "oom: nobody answers: somebody has to keep the lines so far, and this one to say `oom compare`"
        ));
    }
    Ok(0)
}

fn trigger(context: &mut Context<'_>, arguments: &Arguments<'_>) -> Outcome {
    let mut control = OomControl::new(context.mem, Gfp::KERNEL, 0);
    for word in arguments.iter_from(0) {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let said = match key {
            "order" => number(context, "oom", "order", value, 10).map(|order| {
                control.order = order as u32;
            }),
            "gfp" => number(context, "oom", "gfp", value, u32::MAX.into()).map(|mask| {
                control.gfp = Gfp(mask as u32);
            }),
            "nodes" => {
                let nodes = units::mask(value, context.mem[MEM].nr_nodes);
                if nodes.is_none() {
                    context.error(format_args!(
                        "oom: nodes '{}' is not a list of nodes such as 0-1",
                        Shortened(value)
                    ));
                }
                nodes.map(|nodes| control.nodes = nodes)
            }
            _ => {
                context.error(format_args!(
                    "oom: there is no key '{}'; the keys are order, gfp and nodes",
                    Shortened(key)
                ));
                None
            }
        };
        if said.is_none() {
            return Ok(STATUS_USAGE);
        }
    }
    let outcome = oom::out_of_memory(context.mem, &control);
    // A command takes no time: whoever can end does it now.
    oom::let_it_die(context.mem);
    Ok(match outcome {
        oom::Outcome::Freed(_) | oom::Outcome::Killed => 0,
        oom::Outcome::Waits => {
            context.error(format_args!("oom: somebody is dying already"));
            1
        }
        oom::Outcome::Nobody | oom::Outcome::Panicked => 1,
    })
}

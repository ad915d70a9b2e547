//! Segments, and the task state that names the stacks for interrupts.
//!
//! Long mode has little use for segments: one for code, one for data, and the task state segment,
//! from which the processor takes a fresh stack whenever an IDT entry asks for one.

use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable};
use x86_64::structures::tss::TaskStateSegment;

use super::once::Once;
use super::stacks;

/// Makes the segments and the stacks of interrupts known to the processor.
pub fn load() {
    static TASK_STATE: Once<TaskStateSegment> = Once::new();
    static SEGMENTS: Once<GlobalDescriptorTable> = Once::new();

    let places = stacks::places();
    let mut task_state = TaskStateSegment::new();
    // The sixth place is the main stack, which no vector is sent to; the seventh is free.
    task_state.interrupt_stack_table = core::array::from_fn(|number| {
        VirtAddr::new(places.get(number).map_or(0, |stack| stack.space.end))
    });

    let mut segments = GlobalDescriptorTable::new();
    let code = segments.append(Descriptor::kernel_code_segment());
    let data = segments.append(Descriptor::kernel_data_segment());
    let task = segments.append(Descriptor::tss_segment(TASK_STATE.set(task_state)));
    SEGMENTS.set(segments).load();
    // SAFETY: the selectors are of the table just loaded, each of the kind its register needs,
    // and the task state stays where it is for ever.
    unsafe {
        CS::set_reg(code);
        SS::set_reg(data);
        DS::set_reg(data);
        ES::set_reg(data);
        load_tss(task);
    }
}

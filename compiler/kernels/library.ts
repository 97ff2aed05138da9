/** The kernel library: which files there are, and reading them through a port. */
import { CodedError } from "../../protocol/base/result.ts";
import type { MicroCode } from "../../protocol/isa/index.ts";
import { instantiate } from "./kernel.ts";
import type { Kernel, Shape } from "./kernel.ts";
import { parseKernel } from "./parse.ts";

/** Kernel `name` is the file `name.hvx`. */
export const KERNEL_NAMES = [
  "add_channel_f16",
  "add_channel_i16",
  "add_channel_i8",
  "add_f16",
  "add_i16",
  "add_i8",
  "average_pool_f16",
  "average_pool_i16",
  "average_pool_i8",
  "column_sums_i8",
  "copy_f16",
  "copy_i16",
  "copy_i8",
  "depthwise_f16",
  "depthwise_i16",
  "depthwise_i8",
  "depthwise_large_f16",
  "depthwise_large_i16",
  "depthwise_large_i8",
  "fill_f16",
  "fill_i16",
  "fill_i8",
  "fixed_add_channel_i16",
  "fixed_add_channel_i8",
  "fixed_add_i16",
  "fixed_add_i8",
  "fixed_argmax_i8",
  "fixed_average_finish_i8",
  "fixed_average_pool_i8",
  "fixed_lerp_i8",
  "fixed_mean_finish_i8",
  "fixed_multiply_channel_i16",
  "fixed_multiply_channel_i8",
  "fixed_multiply_i16",
  "fixed_multiply_i8",
  "fixed_softmax_finish_i8",
  "fixed_softmax_sum_i8",
  "global_average_finish_f16",
  "global_average_finish_i16",
  "global_average_finish_i8",
  "global_average_sum_f16",
  "global_average_sum_i16",
  "global_average_sum_i8",
  "interleave_f16",
  "interleave_i16",
  "lerp_f16",
  "lerp_i16",
  "lerp_i8",
  "lut_i16",
  "lut_i8",
  "max_pool_f16",
  "max_pool_i16",
  "max_pool_i8",
  "move_channels_f16",
  "move_channels_i16",
  "move_channels_i8",
  "multiply_channel_f16",
  "multiply_channel_i16",
  "multiply_channel_i8",
  "multiply_f16",
  "multiply_i16",
  "multiply_i8",
  "narrow_i16",
  "norm_apply_f16",
  "norm_apply_i16",
  "norm_apply_i8",
  "norm_statistics_f16",
  "norm_statistics_i16",
  "norm_statistics_i8",
  "pair_table_channel_i8",
  "pair_table_i8",
  "pixel_sums_i8",
  "separate_f16",
  "separate_i16",
  "softmax_finish_f16",
  "softmax_finish_i16",
  "softmax_finish_i8",
  "softmax_maximum_f16",
  "softmax_maximum_i16",
  "softmax_maximum_i8",
  "softmax_sum_f16",
  "softmax_sum_i16",
  "softmax_sum_i8",
  "subtract_channel_f16",
  "subtract_f16",
  "widen_i8",
] as const;

export type KernelName = (typeof KERNEL_NAMES)[number];

export interface KernelLibrary {
  kernel(name: KernelName): Kernel;
  /** The kernel's micro-code for a shape; equal requests share one object. */
  code(kernel: Kernel, shape: Shape): MicroCode;
}

export function kernelFile(name: KernelName): string {
  return `${name}.hvx`;
}

/**
 * `readFile` gives the text of a kernel file by its name, when the kernel is first asked for: a model needs a tenth of
 * them. The library throws CodedError `BAD_KERNEL`.
 */
export function loadKernels(readFile: (name: string) => string): KernelLibrary {
  const kernels = new Map<KernelName, Kernel>();
  const codes = new WeakMap<Kernel, Map<string, MicroCode>>();
  const kernel = (name: KernelName): Kernel => {
    if (!KERNEL_NAMES.includes(name)) {
      throw new CodedError("BAD_KERNEL", `there is no kernel ${name}`);
    }
    const found = kernels.get(name) ?? parseKernel(readFile(kernelFile(name)), kernelFile(name));
    kernels.set(name, found);
    return found;
  };
  return {
    kernel,
    code: (kernel, shape) => {
      const known = codes.get(kernel) ?? new Map<string, MicroCode>();
      codes.set(kernel, known);
      const key = JSON.stringify(shape);
      const code = known.get(key) ?? instantiate(kernel, shape);
      known.set(key, code);
      return code;
    },
  };
}

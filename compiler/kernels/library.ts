/** The kernel library: which files there are, and reading them through a port. */
import { CodedError } from "../../protocol/base/result.ts";
import type { MicroCode } from "../../protocol/isa/index.ts";
import { instantiate } from "./kernel.ts";
import type { Kernel, Shape } from "./kernel.ts";
import { parseKernel } from "./parse.ts";

/** Kernel `name` is the file `name.hvx`. */
export const KERNEL_NAMES = [
  "add_i8",
  "add_channel_i8",
  "average_pool_i8",
  "copy_i8",
  "depthwise_i8",
  "depthwise_large_i8",
  "fill_i8",
  "global_average_finish_i8",
  "global_average_sum_i8",
  "lut_i8",
  "max_pool_i8",
  "multiply_i8",
  "multiply_channel_i8",
  "softmax_maximum_i8",
  "softmax_sum_i8",
  "softmax_finish_i8",
] as const;

export type KernelName = (typeof KERNEL_NAMES)[number];

export interface KernelLibrary {
  kernel(name: KernelName): Kernel;
  /** The kernel's micro-code for a shape; equal requests share one object. */
  code(name: KernelName, shape: Shape): MicroCode;
}

export function kernelFile(name: KernelName): string {
  return `${name}.hvx`;
}

/** `readFile` gives the text of a kernel file by its name. Throws CodedError `BAD_KERNEL`. */
export function loadKernels(readFile: (name: string) => string): KernelLibrary {
  const kernels = new Map(
    KERNEL_NAMES.map((name) => [name, parseKernel(readFile(kernelFile(name)), kernelFile(name))]),
  );
  const codes = new Map<string, MicroCode>();
  const kernel = (name: KernelName): Kernel => {
    const found = kernels.get(name);
    if (found === undefined) throw new CodedError("BAD_KERNEL", `there is no kernel ${name}`);
    return found;
  };
  return {
    kernel,
    code: (name, shape) => {
      const key = `${name} ${JSON.stringify(shape)}`;
      const code = codes.get(key) ?? instantiate(kernel(name), shape);
      codes.set(key, code);
      return code;
    },
  };
}

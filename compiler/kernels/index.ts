/** The kernel library of the driver. */
export { KERNEL_NAMES, kernelFile, loadKernels } from "./library.ts";
export type { KernelLibrary, KernelName } from "./library.ts";
export { instantiate, operandList } from "./kernel.ts";
export type { Kernel, Shape } from "./kernel.ts";
export { parseKernel } from "./parse.ts";

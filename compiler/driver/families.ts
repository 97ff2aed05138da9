/** HTP architectures that programs are made for. */
export const FAMILIES = ["v68", "v69", "v73", "v75", "v79", "v81"] as const;

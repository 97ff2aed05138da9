/** HTP architectures that programs are made for. */
export const FAMILIES = ["v68", "v75"] as const;

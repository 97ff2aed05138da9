/** Where the data lie that are no part of the repository: measurements of silicon, the zoo of real models. */
import { fileURLToPath } from "node:url";

/** `../shared/data`, or what RETILE_DATA names. It may be absent. */
export const DATA_FOLDER =
  process.env["RETILE_DATA"] ?? fileURLToPath(new URL("../../shared/data", import.meta.url));

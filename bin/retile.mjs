#!/usr/bin/env node
/** Starts the command line from its TypeScript sources. */
import { register } from "tsx/esm/api";

register();
await import("../cli/main.ts");

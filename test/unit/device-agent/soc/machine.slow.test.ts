import { describe } from "@jest/globals";
import { machineProperties } from "./machine-properties.ts";

describe("machine", () => machineProperties(6));

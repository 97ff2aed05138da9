/** Every setting of retile: one table, from which the file format, the environment, the flags and the manual follow. */
import { z } from "zod";
import { isIdentifier } from "../protocol/base/brand.ts";

interface Setting {
  readonly schema: z.ZodType<string | number | boolean>;
  readonly fallback: string | number | boolean;
  readonly description: string;
}

/** Text from a flag or the environment; real booleans from YAML. */
const BOOLEAN = z.union([z.boolean(), z.enum(["true", "false"]).transform((t) => t === "true")]);
const PORT = z.coerce.number().int().min(0).max(65_535);
const TEXT = z.string().min(1);
const IDENTIFIER = z.string().refine(isIdentifier, "letters, digits, dot, dash, underscore");

export const SETTINGS = {
  dataDir: {
    schema: TEXT,
    fallback: ".retile",
    description: "Folder of everything retile keeps: database, device stores, published files.",
  },
  tenant: {
    schema: IDENTIFIER,
    fallback: "default",
    description: "Tenant that a command acts for.",
  },
  soc: {
    schema: TEXT,
    fallback: "sm8650",
    description: "Simulated chip that models are compiled for and run on.",
  },
  "server.host": {
    schema: TEXT,
    fallback: "127.0.0.1",
    description: "Address on which the server listens.",
  },
  "server.port": {
    schema: PORT,
    fallback: 8473,
    description: "Port on which the server listens; 0 takes a free one.",
  },
  "server.url": {
    schema: z.url({ protocol: /^https?$/ }),
    fallback: "http://127.0.0.1:8473",
    description: "Where agents and operators reach the server.",
  },
  "server.databaseUrl": {
    schema: z.string(),
    fallback: "",
    description: "PostgreSQL to use; empty starts the embedded one. DATABASE_URL also sets it.",
  },
  "server.vault": {
    schema: z.string(),
    fallback: "",
    description:
      "Program that signs with the server's keys (PKCS#11, KMS): PROGRAM public|sign ROLE; empty keeps them in files.",
  },
  "server.production": {
    schema: BOOLEAN,
    fallback: false,
    description: "Refuse demo keys and other conveniences that are unsafe outside a demo.",
  },
  "server.token": {
    schema: z.string(),
    fallback: "",
    description:
      "Operator token. Empty: the one that a server on this machine left in the data folder.",
  },
  "agent.pollSeconds": {
    schema: z.coerce.number().min(1).max(86_400),
    fallback: 60,
    description: "Time between two check-ins of the agent.",
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingKey = keyof typeof SETTINGS;
export type SettingValue<Key extends SettingKey> = z.output<(typeof SETTINGS)[Key]["schema"]>;
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/** What every command of a device offers as flags. */
export const AGENT_SETTINGS = [
  "dataDir",
  "tenant",
  "soc",
  "server.url",
] as const satisfies SettingKey[];

/** Values that a listing must not print. */
export const SECRET_SETTINGS: ReadonlySet<SettingKey> = new Set([
  "server.token",
  "server.databaseUrl",
]);

/** `server.databaseUrl` → `RETILE_SERVER_DATABASE_URL`. */
export function environmentName(key: SettingKey): string {
  return `RETILE_${words(key).join("_").toUpperCase()}`;
}

/** `server.databaseUrl` → `--server-database-url`. */
export function flagName(key: SettingKey): string {
  return `--${words(key).join("-")}`;
}

function words(key: SettingKey): string[] {
  return key
    .replace(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`)
    .split(".")
    .filter((word) => word !== "");
}

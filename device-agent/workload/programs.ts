/**
 * The program cache. A key is the hash of everything that decides a program's bytes: model, driver, chip
 * and options. The same facts are stored beside the program and checked again when it is loaded.
 */
import { z } from "zod";
import { fromUtf8, utf8 } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { sha256Schema, type BlobStore, type FileSystem } from "../slots/index.ts";
import type { RegisteredModel } from "./model.ts";

export const PROGRAMS_DIRECTORY = "programs";

/** What a driver may be asked to compile for, in the order of preference. */
export const BACKENDS = ["htp", "cpu"] as const;
export type Backend = (typeof BACKENDS)[number];

export interface ProgramFacts {
  readonly model: Sha256;
  /** Of the driver's bundle. */
  readonly driver: Sha256;
  /** Of the chip's description. */
  readonly soc: Sha256;
  /** Of backend, encodings and bound shapes. */
  readonly options: Sha256;
}

const descriptorSchema = z
  .strictObject({
    model: sha256Schema,
    driver: sha256Schema,
    soc: sha256Schema,
    options: sha256Schema,
    program: sha256Schema,
    /** Of one inference: the chip's clock, and the host's where the CPU computes. */
    microseconds: z.number(),
  })
  .readonly();
export type ProgramDescriptor = z.output<typeof descriptorSchema>;

export interface CachedProgram {
  readonly program: Uint8Array;
  readonly microseconds: number;
}

export interface ProgramCache {
  /** Undefined unless it was stored under exactly these facts and is intact. */
  get(facts: ProgramFacts): Promise<CachedProgram | undefined>;
  put(facts: ProgramFacts, program: Uint8Array, microseconds: number): Promise<void>;
  /** Without opening the program; undefined when it is not cached. */
  microseconds(facts: ProgramFacts): Promise<number | undefined>;
  descriptors(): Promise<ReadonlyMap<string, ProgramDescriptor>>;
}

/** Of every program that this driver may have made of the model, in the order of preference. */
export function possiblePrograms(
  model: RegisteredModel,
  driver: Sha256,
  soc: SocDescription,
): readonly ProgramFacts[] {
  return BACKENDS.map((backend) => programFacts(model, driver, { soc, backend }));
}

export function programFacts(
  model: RegisteredModel,
  driver: Sha256,
  { soc, backend }: { readonly soc: SocDescription; readonly backend: Backend },
): ProgramFacts {
  const { sha256, encodings, inputShapes } = model;
  return {
    model: sha256,
    driver,
    soc: hashOfSoc(soc),
    options: sha256Hex(canonicalJson({ backend, encodings, inputShapes })),
  };
}

/** Descriptions are constants, and asked for at every step. */
const socHashes = new WeakMap<SocDescription, Sha256>();

function hashOfSoc(soc: SocDescription): Sha256 {
  const hash = socHashes.get(soc) ?? sha256Hex(canonicalJson(soc));
  socHashes.set(soc, hash);
  return hash;
}

export function programKey(facts: ProgramFacts): string {
  return sha256Hex(canonicalJson(facts));
}

export function programCache(files: FileSystem, blobs: BlobStore): ProgramCache {
  const at = (name: string): string => `${PROGRAMS_DIRECTORY}/${name}`;
  const read = async (name: string): Promise<ProgramDescriptor | undefined> => {
    const bytes = await files.read(at(name));
    return bytes && parseDescriptor(bytes);
  };
  const find = async (facts: ProgramFacts): Promise<ProgramDescriptor | undefined> => {
    const descriptor = await read(`${programKey(facts)}.json`);
    return descriptor && describes(descriptor, facts) ? descriptor : undefined;
  };
  return {
    get: async (facts) => {
      const descriptor = await find(facts);
      const program = descriptor && (await blobs.get(descriptor.program));
      return program && { program, microseconds: descriptor.microseconds };
    },
    microseconds: async (facts) => (await find(facts))?.microseconds,
    put: async (facts, program, microseconds) => {
      const descriptor = { ...facts, program: await blobs.put(program), microseconds };
      await files.replaceFile(at(`${programKey(facts)}.json`), utf8(JSON.stringify(descriptor)));
    },
    descriptors: async () => {
      const found = new Map<string, ProgramDescriptor>();
      for (const name of await files.list(PROGRAMS_DIRECTORY)) {
        const descriptor = await read(name);
        if (descriptor) found.set(name, descriptor);
      }
      return found;
    },
  };
}

function describes(descriptor: ProgramDescriptor, facts: ProgramFacts): boolean {
  const names = ["model", "driver", "soc", "options"] as const;
  return names.every((name) => descriptor[name] === facts[name]);
}

/** Undefined when the file is damaged: its program is compiled again. */
function parseDescriptor(bytes: Uint8Array): ProgramDescriptor | undefined {
  try {
    return descriptorSchema.parse(JSON.parse(fromUtf8(bytes)));
  } catch {
    return undefined;
  }
}

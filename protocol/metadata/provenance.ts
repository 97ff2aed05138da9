/**
 * Where a driver bundle comes from: an in-toto Statement v1 with a SLSA v1 provenance predicate, in a DSSE
 * envelope. It is a target beside the bundle, listed by the same role, and names no time and no machine.
 */
import { z } from "zod";
import { isIdentifier, isSha256, type Sha256 } from "../base/brand.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { failed, succeeded, type Result } from "../base/result.ts";
import { isSemver } from "../base/semver.ts";
import type { BundleManifest } from "../bundle/index.ts";
import type { Signer } from "../crypto/index.ts";
import { IN_TOTO_PAYLOAD, readDsse, signDsse } from "./dsse.ts";
import { isSignedBy, type Authority } from "./envelope.ts";
import { PROVENANCE_BYTES_MAX } from "./limits.ts";

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE = "https://slsa.dev/provenance/v1";
/** Says how `externalParameters` and `resolvedDependencies` are to be read. */
const BUILD_TYPE = "urn:retile:driver-bundle:1";
const BUILDER_ID = "urn:retile:driver-build:1";

/** What produced a bundle; its digest is the statement's subject. */
export interface BuildFacts {
  readonly version: string;
  readonly recipe: string;
  /** Over every source file that went in: the bundle's manifest has the same. */
  readonly sourceSha256: Sha256;
  readonly lockFileSha256: Sha256;
  /** A vendor's, by path in the bundle: they come from outside of the checkout. */
  readonly kernels: readonly { readonly path: string; readonly sha256: Sha256 }[];
  /** Null outside of a git checkout. */
  readonly checkout: Checkout | null;
  /** Versions by tool: node, esbuild, retile. */
  readonly toolchain: Readonly<Record<string, string>>;
}

export interface Checkout {
  readonly commit: string;
  readonly tree: string;
  /** Files differ from the commit: then the commit does not tell what was built. */
  readonly dirty: boolean;
}

const gitId = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, "not a git object id");
const sha256 = z.custom<Sha256>((text) => typeof text === "string" && isSha256(text));
/** A resource descriptor of in-toto; which one it is, its name says. */
const resource = z.looseObject({ name: z.string(), digest: z.record(z.string(), z.string()) });

const DEPENDENCIES = {
  sources: z.looseObject({ digest: z.looseObject({ sha256 }) }),
  "package-lock.json": z.looseObject({ digest: z.looseObject({ sha256 }) }),
  checkout: z.looseObject({
    digest: z.looseObject({ gitCommit: gitId, gitTree: gitId }),
    annotations: z.looseObject({ dirty: z.boolean() }),
  }),
} as const;
const DEPENDENCIES_MAX = 512;
const TOOLS_MAX = 16;

/** Unknown fields are kept and ignored, as in-toto asks of every reader. */
const statementSchema = z.looseObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z.array(resource).min(1).max(64),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.looseObject({
    buildDefinition: z.looseObject({
      buildType: z.literal(BUILD_TYPE),
      externalParameters: z.looseObject({
        recipe: z.string().refine(isIdentifier, "not a recipe"),
        version: z.string().refine(isSemver, "not a semantic version"),
      }),
      resolvedDependencies: z.array(resource).max(DEPENDENCIES_MAX),
    }),
    runDetails: z.looseObject({
      builder: z.looseObject({
        id: z.string().regex(/^[a-z][a-z0-9+.-]*:\S+$/, "not a URI"),
        version: z
          .record(z.string().min(1).max(64), z.string().min(1).max(64))
          .refine((tools) => Object.keys(tools).length <= TOOLS_MAX, "too many tools"),
      }),
    }),
  }),
});
type Statement = z.output<typeof statementSchema>;
export type ProvenanceStatement = z.input<typeof statementSchema>;

export const PROVENANCE_CODES = [
  "PROVENANCE_MISSING",
  "PROVENANCE_MALFORMED",
  "PROVENANCE_BAD_SIGNATURES",
  "PROVENANCE_WRONG_SUBJECT",
  "PROVENANCE_DISAGREES",
] as const;
export type ProvenanceCode = (typeof PROVENANCE_CODES)[number];

export function authorProvenance(bundleSha256: Sha256, facts: BuildFacts): ProvenanceStatement {
  const { version, recipe, sourceSha256, lockFileSha256, kernels, checkout, toolchain } = facts;
  const dependencies = [
    ...(checkout ? [checkoutResource(checkout)] : []),
    { name: "sources", digest: { sha256: sourceSha256 } },
    { name: "package-lock.json", digest: { sha256: lockFileSha256 } },
    ...kernels.map(({ path, sha256: digest }) => ({ name: path, digest: { sha256: digest } })),
  ];
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: `retile-htp-driver-${version}.bundle`, digest: { sha256: bundleSha256 } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: { recipe, version },
        resolvedDependencies: dependencies,
      },
      runDetails: { builder: { id: BUILDER_ID, version: { ...toolchain } } },
    },
  };
}

function checkoutResource({ commit, tree, dirty }: Checkout) {
  const digest = { gitCommit: commit, gitTree: tree };
  return { name: "checkout", digest, annotations: { dirty } };
}

/** The envelope that is published. */
export function signProvenance(
  statement: ProvenanceStatement,
  signers: readonly Signer[],
): Promise<Uint8Array> {
  return signDsse({ payloadType: IN_TOTO_PAYLOAD, payload: canonicalJson(statement) }, signers);
}

export interface ProvenanceContext {
  readonly bundleSha256: Sha256;
  /** The keys of the role that lists bundle and statement. */
  readonly authority: Authority;
}

/**
 * One of the role's keys must have signed: all of them already vouch for the envelope's hash, by the role's
 * threshold, in the metadata that lists it. The signature in it says who built, to whoever has the envelope alone.
 */
export function verifyProvenance(
  envelope: Uint8Array,
  { bundleSha256, authority }: ProvenanceContext,
): Result<BuildFacts, ProvenanceCode> {
  const form = { payloadType: IN_TOTO_PAYLOAD, schema: statementSchema };
  const read = readDsse(envelope, { ...form, bytesMax: PROVENANCE_BYTES_MAX });
  if (!read.ok) return failed("PROVENANCE_MALFORMED", read.message, read.details);
  const { role, keys } = authority;
  if (!isSignedBy(read.value, { ...role, threshold: 1 }, keys)) {
    const message = "The provenance is signed by none of the keys of the role that lists it.";
    return failed("PROVENANCE_BAD_SIGNATURES", message);
  }
  return factsAbout(read.value.signed, bundleSha256);
}

/** Of an unsigned statement. */
export function statedFacts(
  statement: ProvenanceStatement,
  bundleSha256: Sha256,
): Result<BuildFacts, ProvenanceCode> {
  const parsed = statementSchema.safeParse(statement);
  return parsed.success ? factsAbout(parsed.data, bundleSha256) : malformed("not a statement");
}

function factsAbout(
  statement: Statement,
  bundleSha256: Sha256,
): Result<BuildFacts, ProvenanceCode> {
  if (statement.subject.some(({ digest }) => digest["sha256"] === bundleSha256)) {
    return factsOf(statement);
  }
  const message = "The provenance speaks of other bytes than the bundle's.";
  return failed("PROVENANCE_WRONG_SUBJECT", message, { bundle: bundleSha256 });
}

/** An unsigned statement as `driver build` writes it. */
export function readStatement(json: unknown): Result<ProvenanceStatement, ProvenanceCode> {
  const parsed = statementSchema.safeParse(json);
  if (!parsed.success) return malformed(parsed.error.issues[0]?.message ?? "not a statement");
  const facts = factsOf(parsed.data);
  return facts.ok ? succeeded(parsed.data) : facts;
}

/** Whether statement and manifest tell the same of version, recipe and sources. */
export function agreesWithManifest(facts: BuildFacts, manifest: BundleManifest): boolean {
  const { recipe, sourceSha256 } = manifest.builtFrom;
  return (
    facts.version === manifest.version &&
    facts.recipe === recipe &&
    facts.sourceSha256 === sourceSha256
  );
}

function factsOf({ predicate }: Statement): Result<BuildFacts, ProvenanceCode> {
  const { externalParameters, resolvedDependencies } = predicate.buildDefinition;
  const named = (name: keyof typeof DEPENDENCIES) =>
    resolvedDependencies.find((dependency) => dependency.name === name);
  const sources = DEPENDENCIES.sources.safeParse(named("sources"));
  const lockFile = DEPENDENCIES["package-lock.json"].safeParse(named("package-lock.json"));
  if (!sources.success || !lockFile.success) return malformed("it names no sources or lock file");
  const isCheckout = named("checkout") !== undefined;
  const checkout = DEPENDENCIES.checkout.safeParse(named("checkout"));
  if (isCheckout && !checkout.success) return malformed("its checkout is not readable");
  const { recipe, version } = externalParameters;
  return succeeded({
    ...{ version, recipe },
    sourceSha256: sources.data.digest.sha256,
    lockFileSha256: lockFile.data.digest.sha256,
    kernels: resolvedDependencies.flatMap(({ name, digest }) => {
      const named = name.startsWith("kernels/") ? sha256.safeParse(digest["sha256"]) : undefined;
      return named?.success ? [{ path: name, sha256: named.data }] : [];
    }),
    checkout: checkout.success ? checkoutOf(checkout.data) : null,
    toolchain: predicate.runDetails.builder.version,
  });
}

function checkoutOf({
  digest,
  annotations,
}: z.output<(typeof DEPENDENCIES)["checkout"]>): Checkout {
  return { commit: digest.gitCommit, tree: digest.gitTree, dirty: annotations.dirty };
}

function malformed(why: string): Result<never, "PROVENANCE_MALFORMED"> {
  return failed("PROVENANCE_MALFORMED", `The provenance is not readable: ${why}.`);
}

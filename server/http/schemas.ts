/** What the REST API takes and gives beside the schemas of protocol/wire. */
import { z } from "zod";
import { isIdentifier } from "../../protocol/base/brand.ts";
import { deviceView } from "../../protocol/wire/index.ts";
import { ASSIGNMENT_STATUSES } from "../rollout/index.ts";
// Not by the index: whoever reads the schemas alone would load the database with them.
import { OPERATOR_ROLES } from "../store/ports.ts";

export const identifier = z.string().refine(isIdentifier, "letters, digits, dot, dash, underscore");
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
const time = z.iso.datetime();
const count = z.int().min(0);

const publicKey = z.object({
  keyId: z.string(),
  public: z.string().meta({ description: "Ed25519, 64 hexadecimal digits." }),
});

/** The public halves of the online keys, to be named in root metadata and in the director's key set. */
export const keysView = z
  .object({ snapshot: publicKey, timestamp: publicKey, director: publicKey })
  .meta({ id: "OnlineKeys" });

export const uploadView = z
  .object({ sha256, bytes: z.int(), isNew: z.boolean() })
  .meta({ id: "Upload" });

const document = z.string().min(2).meta({ description: "A signed document, byte for byte." });

export const publicationRequest = z
  .strictObject({
    roots: z.array(document).max(256).default([]).meta({
      description:
        "Successors of the published root, in order; the first publication starts with root 1.",
    }),
    targets: z
      .record(z.string().min(1).max(128), document)
      .default({})
      .meta({ description: "New metadata by role: `targets` and delegated roles." }),
  })
  .meta({ id: "PublicationRequest" });

const versions = z.object({ root: count, targets: count, snapshot: count, timestamp: count });

export const publicationView = z
  .object({
    versions,
    releases: z.array(z.object({ path: z.string(), version: z.string(), sha256 })),
  })
  .meta({ id: "Publication" });

export const repositoryView = z
  .object({ roles: z.array(z.object({ role: z.string(), version: z.int() })) })
  .meta({ id: "Repository" });

const operatorRole = z.enum(OPERATOR_ROLES).meta({ id: "OperatorRole" });

export const tokenRequest = z
  .strictObject({ name: z.string().min(1).max(100), role: operatorRole })
  .meta({ id: "TokenRequest" });

export const tokenView = z
  .object({
    id: identifier,
    name: z.string(),
    role: operatorRole,
    createdAt: time,
    revokedAt: time.nullable(),
  })
  .meta({ id: "Token" });

export const newTokenView = z
  .object({ id: identifier, token: z.string().meta({ description: "Shown this once." }) })
  .meta({ id: "NewToken" });

const YEAR_SECONDS = 366 * 24 * 3600;

export const enrolmentTokenRequest = z
  .strictObject({
    uses: z
      .int()
      .min(1)
      .max(1_000_000)
      .meta({ description: "How many devices may enrol with it." }),
    validForSeconds: z.int().min(1).max(YEAR_SECONDS),
  })
  .meta({ id: "EnrolmentTokenRequest" });

export const newEnrolmentTokenView = z
  .object({ id: identifier, token: z.string(), expiresAt: time })
  .meta({ id: "NewEnrolmentToken" });

export const assignmentView = z
  .object({
    rollout: identifier,
    device: identifier,
    purpose: z.enum(["update", "return"]),
    stage: count,
    version: z.string(),
    epoch: z.int(),
    sequence: z.int(),
    status: z.enum(ASSIGNMENT_STATUSES),
    failingModels: count,
    failure: z.object({ code: z.string(), message: z.string() }).nullable(),
    assignedAt: time,
    acceptedAt: time.nullable(),
  })
  .meta({ id: "Assignment" });

export const deviceDetails = z
  .object({
    device: deviceView,
    status: z.enum(["active", "held"]),
    enrolledAt: time,
    models: z.array(z.object({ model: z.string(), sha256 })),
    assignments: z.array(assignmentView),
  })
  .meta({ id: "DeviceDetails" });

export const explanationView = z
  .object({
    decision: z.enum(["assign", "hold", "nothing"]),
    code: z.string().nullable(),
    rollout: identifier.nullable(),
    stage: count.nullable(),
    version: z.string().nullable(),
    explanation: z.string(),
  })
  .meta({ id: "Explanation" });

export const recallRequest = z
  .strictObject({ version: z.string(), because: z.string().min(1).max(256) })
  .meta({ id: "RecallRequest" });

export const recallView = z
  .object({
    number: z.int().min(1),
    version: z.string(),
    sha256s: z.array(sha256),
    because: z.string(),
    actor: z.string(),
    createdAt: time,
  })
  .meta({ id: "Recall" });

export const holdRequest = z
  .strictObject({ held: z.boolean(), because: z.string().min(1).max(500) })
  .meta({ id: "HoldRequest" });

export const offlineAssignmentRequest = z
  .strictObject({ days: z.int().min(1).max(30) })
  .meta({ id: "OfflineAssignmentRequest" });

export const offlineAssignmentView = z
  .object({
    /** The signed order, base64; null where there is nothing but a recall. */
    envelope: z.base64().nullable(),
    target: z.object({ path: z.string(), version: z.string() }).nullable(),
    /** What is to be obeyed before it. */
    recall: z.base64().nullable(),
    family: z.string(),
    startBefore: z.string(),
  })
  .meta({ id: "OfflineAssignment" });

const cellView = z.object({
  model: z.string(),
  hardwareClass: z.string(),
  devices: count,
  failures: count,
  gain: z.number().meta({ description: "Mean of before/after: above one is faster." }),
  gainLower: z.number().nullable().meta({ description: "Null: nothing can be said yet." }),
  gainUpper: z.number().nullable(),
  verdict: z.enum(["passed", "inferior", "inconclusive"]),
  because: z.string(),
});

const stageView = z.object({
  percent: z.number(),
  reachable: count.meta({ description: "Devices in contact that the stage reaches." }),
  assigned: count,
  accepted: count,
  committed: count,
  failed: count,
  silent: count,
});

const forbiddenView = z.object({
  hardwareClass: z.string(),
  code: z.string(),
  because: z.string(),
  devices: count,
});

export const evidenceView = z
  .object({
    watermark: count,
    forbidden: z.array(forbiddenView).meta({
      description: "Devices that are assigned nothing, since the offline keys forbid it to them.",
    }),
    stages: z.array(stageView),
    cells: z.array(cellView).meta({ description: "Of all stages up to the current one together." }),
  })
  .meta({ id: "Evidence" });

const verdictKind = z.enum(["advance", "wait", "underpowered", "halt"]);

export const decisionView = z
  .object({
    revision: z.int(),
    stage: count,
    verdict: verdictKind,
    because: z.string(),
    policySha256: sha256,
    watermark: count,
    decidedAt: time,
    replay: verdictKind.nullable().meta({
      description: "The verdict that the stored inputs give now; null where they give none.",
    }),
  })
  .meta({ id: "Decision" });

export const auditEntryView = z
  .object({
    sequence: z.int(),
    at: time,
    actor: z.string(),
    action: z.string(),
    subject: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    previousSha256: sha256,
    sha256,
  })
  .meta({ id: "AuditEntry" });

export const auditView = z
  .object({
    items: z.array(auditEntryView),
    firstBroken: z.int().nullable().meta({
      description:
        "The first entry that does not fit the one before; null when the chain is whole, and on pages with `before`, which do not check it again.",
    }),
  })
  .meta({ id: "AuditLog" });

export const pageQuery = z.strictObject({
  after: identifier.optional().meta({ description: "Begins after this key." }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

export const auditQuery = z.strictObject({
  before: z.coerce.number().int().min(1).optional().meta({
    description: "Only entries of lower sequence: the last one of the page before.",
  }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

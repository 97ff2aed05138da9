/** docs/reference/http.md: the REST API and the device routes, from the API's own description. */
import { openApiDocument } from "../../server/http/openapi.ts";
import { code, markdownTable } from "./markdown.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
}

interface Content {
  readonly content?: Readonly<Record<string, { readonly schema?: Schema }>>;
}

interface Operation {
  readonly summary: string;
  readonly description: string;
  readonly requestBody?: Content;
  readonly responses: Readonly<Record<string, Content>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export function httpPage(): string {
  const document = openApiDocument("") as unknown as Document;
  return [
    "# HTTP",
    "A running server describes its API at `/openapi.json`; this page is made from the same description.",
    "## Operators",
    "Every request bears `Authorization: Bearer TOKEN`. Errors are problem details (RFC 9457, " +
      "`application/problem+json`) with a closed `code`; [errors.md](errors.md) lists the codes.",
    markdownTable(["request", "role", "what it does", "body", "reply"], operationRows(document)),
    "## Devices",
    "Protobuf messages of `protocol/wire/wire.proto`. Enrolment and check-in are signed as HTTP Message " +
      'Signatures (RFC 9421) over `"@method" "@path" "@query" "content-digest"` with `created` and `keyid`; a ' +
      "batch of reports bears its own signature. On clock skew the answer is 401 with a `retile-nonce` to " +
      "sign with.",
    markdownTable(["request", "what it does", "body", "reply"], DEVICE_ROWS),
    "## Everybody",
    markdownTable(["request", "what it gives"], OPEN_ROWS),
    "## Schemas",
    ...schemaSections(document),
  ].join("\n\n");
}

const DEVICE_ROWS = [
  ["`POST /v1/device/enrol`", "joins a tenant with a token", "EnrolRequest", "EnrolReply"],
  [
    "`POST /v1/device/check-in`",
    "says what it is, learns what to do",
    "CheckInRequest",
    "CheckInReply",
  ],
  [
    "`POST /v1/device/reports`",
    "reports; the reply says what is kept",
    "SignedReportBatch",
    "ReportAck",
  ],
];

const OPEN_ROWS = [
  ["`GET /repository/metadata/NAME`", "TUF metadata: `timestamp.json`, `2.root.json`, …"],
  [
    "`GET /repository/targets/PATH`",
    "targets by content, with ranges: `drivers/sm8650/SHA256.1.1.0`",
  ],
  ["`GET /healthz`", "200 when the database answers"],
  ["`GET /metrics`", "counters for Prometheus"],
  ["`GET /openapi.json`", "the description of the API"],
];

function operationRows({ paths }: Document): string[][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [
      code(`${method.toUpperCase()} ${path}`),
      /`(\w+)`/.exec(operation.description)?.[1] ?? "",
      operation.summary,
      contentText(operation.requestBody),
      contentText(operation.responses["200"] ?? operation.responses["201"]),
    ]),
  );
}

function contentText(content: Content | undefined): string {
  const [[mediaType, { schema }] = ["", {}]] = Object.entries(content?.content ?? {});
  if (mediaType === "") return "";
  return mediaType === "application/json" && schema ? typeText(schema) : "bytes";
}

/** The components that the operations use, sorted; what is only ever written has the suffix Output. */
function schemaSections({ components }: Document): string[] {
  return Object.entries(components.schemas)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, schema]) => [`### ${name}`, schemaText(schema)]);
}

function schemaText(schema: Schema): string {
  if (!schema.properties) return typeText(schema);
  const rows = Object.entries(schema.properties).map(([name, property]) => [
    code(name),
    typeText(property),
    schema.required?.includes(name) ? "" : "optional",
    property.description ?? "",
  ]);
  return markdownTable(["field", "type", "", ""], rows);
}

function typeText(schema: Schema): string {
  if (schema.$ref) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(", ");
  if (schema.const !== undefined) return code(String(schema.const));
  if (schema.anyOf) return schema.anyOf.map(typeText).join(" or ");
  if (schema.items) return `list of ${typeText(schema.items)}`;
  if (schema.properties) {
    const fields = Object.entries(schema.properties).map(
      ([name, of]) => `${name}: ${typeText(of)}`,
    );
    return `{ ${fields.join(", ")} }`;
  }
  if (typeof schema.additionalProperties === "object") {
    return `map to ${typeText(schema.additionalProperties)}`;
  }
  return [schema.type ?? "any"].flat().join(" or ");
}

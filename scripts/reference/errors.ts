/** docs/reference/errors.md: every failure code, found where the code makes it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { exitNameOf, EXIT_CODES } from "../../cli/exit-codes.ts";
import { nextStep } from "../../cli/next-steps.ts";
import { code, markdownTable } from "./markdown.ts";

const SOURCES = ["protocol", "compiler", "device-agent", "server", "cli"];
const CODE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;
/** A type or a constant with one of these endings lists codes: `ManifestError`, `REFUSAL_CODES`. */
const LIST_NAME = /(Code|Codes|Error|Errors|Failure|Refusal|_CODES|_ERRORS)$/;

export interface FoundCode {
  readonly code: string;
  /** The folders that make it, sorted: `protocol/metadata`. */
  readonly folders: readonly string[];
  /** The first message in path order, with `…` for what is filled in; absent when it is passed in. */
  readonly message: string | undefined;
}

export function errorsPage(root: string): string {
  const rows = findCodes(sourceFiles(root)).map((found) => [
    code(found.code),
    found.message ?? "",
    nextStep(found.code) ?? "",
    String(EXIT_CODES[exitNameOf(found.code)].code),
    found.folders.join(", "),
  ]);
  return [
    "# Errors",
    "Every failure has a code that stays, a sentence for a person, and details. A `…` stands for what is " +
      "filled in; codes without a sentence here carry one that depends on the case.",
    markdownTable(["code", "what happened", "what to do", "exit", "made in"], rows),
  ].join("\n\n");
}

interface SourceText {
  /** From the root of the checkout, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

interface Sighting {
  readonly code: string;
  readonly folder: string;
  readonly message: string | undefined;
}

export function findCodes(files: readonly SourceText[]): FoundCode[] {
  const byCode = new Map<string, Sighting[]>();
  for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    for (const sighting of sightingsIn(file)) {
      byCode.set(sighting.code, [...(byCode.get(sighting.code) ?? []), sighting]);
    }
  }
  return [...byCode]
    .map(([found, sightings]) => ({
      code: found,
      folders: [...new Set(sightings.map(({ folder }) => folder))].sort(),
      message: sightings.find(({ message }) => message !== undefined)?.message,
    }))
    .sort((a, b) => (a.code < b.code ? -1 : 1));
}

function sourceFiles(root: string): SourceText[] {
  return SOURCES.flatMap((folder) => {
    const entries = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
    return entries
      .map((entry) => `${folder}/${entry.replaceAll("\\", "/")}`)
      .filter((path) => path.endsWith(".ts") && !/\/(generated|node_modules)\//.test(path))
      .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
  });
}

function sightingsIn({ path, text }: SourceText): Sighting[] {
  const folder = path
    .split("/")
    .slice(0, 2)
    .join("/")
    .replace(/\/[^/]+\.ts$/, "");
  const sightings: Sighting[] = [];
  const visit = (node: ts.Node): void => {
    for (const [found, message] of [...madeCodes(node), ...listedCodes(node)]) {
      if (CODE.test(found)) sightings.push({ code: found, folder, message });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return sightings;
}

type CodeAndMessage = readonly [code: string, message: string | undefined];

/** `failed("CODE", "message")`, `new CodedError("CODE", …)` and local short forms such as `refuse("CODE", …)`. */
function madeCodes(node: ts.Node): CodeAndMessage[] {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return [];
  if (!ts.isIdentifier(node.expression)) return [];
  if (!/^(failed|fail|refuse|refused|reject|CodedError)$|Error$/.test(node.expression.text))
    return [];
  const [first, second] = node.arguments ?? [];
  if (!first || !ts.isStringLiteral(first)) return [];
  return [[first.text, second && messageText(second)]];
}

/** Unions and constant lists that are named as code lists. */
function listedCodes(node: ts.Node): CodeAndMessage[] {
  const named = ts.isTypeAliasDeclaration(node) || ts.isVariableDeclaration(node);
  if (!named || !ts.isIdentifier(node.name) || !LIST_NAME.test(node.name.text)) return [];
  const body = ts.isTypeAliasDeclaration(node) ? node.type : node.initializer;
  return body ? literalsIn(body).map((literal) => [literal, undefined]) : [];
}

function literalsIn(node: ts.Node): string[] {
  if (ts.isStringLiteral(node)) return [node.text];
  const unwrapped =
    ts.isUnionTypeNode(node) ||
    ts.isLiteralTypeNode(node) ||
    ts.isArrayLiteralExpression(node) ||
    ts.isAsExpression(node);
  if (!unwrapped) return [];
  const literals: string[] = [];
  ts.forEachChild(node, (child) => void literals.push(...literalsIn(child)));
  return literals;
}

function messageText(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) {
    return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join("");
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [messageText(node.left), messageText(node.right)];
    return left !== undefined && right !== undefined ? left + right : undefined;
  }
  return undefined;
}

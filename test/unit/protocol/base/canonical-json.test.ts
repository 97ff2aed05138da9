import { expect, test } from "@jest/globals";
import { fromUtf8 } from "../../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import { fc, property } from "../../../support/property.ts";

test.each([
  [{ b: 1, a: [true, null] }, '{"a":[true,null],"b":1}'],
  [{ a: { c: 1, b: 2 } }, '{"a":{"b":2,"c":1}}'],
  ['quote " and \\', '"quote \\" and \\\\"'],
  ["line\nbreak", '"line\nbreak"'],
  ["ü", '"ü"'],
])("%j is %s", (value, text) => {
  expect(fromUtf8(canonicalJson(value))).toBe(text);
});

test("a fraction has no canonical form", () => {
  expect(() => canonicalJson({ a: 0.5 })).toThrow(TypeError);
});

test("the order in which an object was built does not matter", () => {
  property(fc.dictionary(fc.string(), fc.integer()), (object) => {
    const reversed = Object.fromEntries(Object.entries(object).reverse());
    expect(canonicalJson(reversed)).toEqual(canonicalJson(object));
  });
});

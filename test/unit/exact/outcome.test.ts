/** What the exact run calls equal, refused and wrong. */
import { expect, test } from "@jest/globals";
import { typedGraph } from "../../../cli/fidelity/parity.ts";
import type { Precision } from "../../../cli/fidelity/parity.ts";
import type { Graph, Tensor } from "../../../compiler/ir/index.ts";
import { socNamed } from "../../../device-agent/soc/index.ts";
import { present } from "../../../protocol/base/assert.ts";
import { unwrap } from "../../../protocol/base/result.ts";
import { everyValue, outcomeOf } from "../../exact/outcome.ts";
import type { Outcome } from "../../exact/outcome.ts";
import { referenceOf, subjectOf } from "../../exact/subject.ts";
import type { Reference } from "../../exact/subject.ts";
import { floatGraph } from "../compiler/lower/float-graph.ts";

function graph(precision: Precision): Graph {
  const g = floatGraph(1);
  const image = g.node("conv", [g.input([1, 8, 5, 5]), g.constant([8, 8, 3, 3])]);
  return unwrap(typedGraph(g.builder.finish([g.node("sigmoid", [image])]), precision));
}

interface Case {
  readonly precision: Precision;
  readonly chip: string;
  readonly change?: (reference: Reference) => Reference;
}

/** `reason` as a regular expression. */
type Wanted = Partial<Omit<Outcome, "reason">> & { readonly reason?: RegExp };

function check({ precision, chip, change = (same) => same }: Case, wanted: Wanted) {
  const subject = subjectOf(everyValue(graph(precision)), 1);
  const target = { version: "parity", soc: present(socNamed(chip), chip) };
  const outcome = outcomeOf(subject, target, () => change(referenceOf(subject, 1)));
  const { reason = /^/, ...others } = wanted;
  expect(outcome).toMatchObject(others);
  expect(outcome.reason).toMatch(reason);
}

test("every value equals the evaluator's", () => {
  check({ precision: "w8a16", chip: "qcm6490" }, { status: "equal", outputs: 2, elements: 144 });
});

test("fp16 on a chip without it is refused", () => {
  check({ precision: "float", chip: "qcm6490" }, { status: "refused", elements: 0 });
});

test("one bit of one element is a difference, told with its value's name", () => {
  const change = (reference: Reference): Reference => {
    const [name, value] = present([...reference.values].at(-1), "a value");
    const data = (value.data as Uint16Array).slice();
    data[71]! ^= 1;
    const changed: Tensor = { ...value, data };
    return { ...reference, values: new Map([...reference.values, [name, changed]]) };
  };
  const reason = /^1 outputs differ, first sigmoid\d: element \d+ is/;
  check({ precision: "float", chip: "sm8650", change }, { status: "wrong", reason });
});

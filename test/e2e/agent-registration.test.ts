/** Factory, enrolment, models: what a device is before its first update, and what it refuses. */
import { afterAll, expect, test } from "@jest/globals";
import { createAgent } from "../../device-agent/index.ts";
import { brand } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { BROKEN_MODEL, copyDriverBundle } from "../support/copy-driver.ts";
import { bundleOf, described, driverScript } from "../support/driver-bundle.ts";
import { makeRoot } from "../support/signed-metadata.ts";
import {
  MODEL,
  modelOf,
  OLD,
  optionsFor,
  SECOND_MODEL,
  testDevices,
} from "../support/test-agent.ts";

const devices = await testDevices();
afterAll(() => devices.close());
const { agent, server, directory } = await devices.open(undefined);

test("a registered model has goldens, encodings and a reference time, and registering it again is harmless", async () => {
  const again = unwrap(await agent.registerModel(modelOf(MODEL)));
  expect(unwrap(await agent.models())).toContainEqual(again);
  expect(again.goldens.length).toBeGreaterThan(0);
  expect(again.referenceMicroseconds).toBeGreaterThan(61);
  expect(again.goldensFrom.version).toBe("1.0.0");
});

test("another model under a name that is taken is refused", async () => {
  const other = await agent.registerModel(modelOf(MODEL, utf8("other")));
  expect(other).toMatchObject({ ok: false, code: "MODEL_NAME_TAKEN" });
});

test("a broken model file is refused with the driver's reason, and nothing of it stays", async () => {
  const broken = modelOf(brand("broken"), utf8(`${BROKEN_MODEL} file`));
  expect(await agent.registerModel(broken)).toMatchObject({
    ok: false,
    code: "DRIVER_REFUSED",
    details: { code: "BAD_MODEL", where: "node 3" },
  });
  expect(unwrap(await agent.models()).map(({ id }) => id)).toEqual([MODEL, SECOND_MODEL]);
});

test("an unknown model, a missing input and a wrong size are codes", async () => {
  const code = async (...call: Parameters<typeof agent.run>): Promise<string> => {
    const run = await agent.run(...call);
    return run.ok ? "" : run.code;
  };
  const values = new Float32Array(128);
  expect(await code(brand("nobody"), new Map())).toBe("MODEL_UNKNOWN");
  expect(await code(MODEL, new Map())).toBe("MISSING_INPUT");
  expect(await code(MODEL, new Map([["x", values.subarray(1)]]))).toBe("WRONG_INPUT_SIZE");
  expect(await code(MODEL, new Map([["x", values]]))).toBe("");
});

test("the factory's part can be repeated, but not with another driver", async () => {
  expect((await agent.init(OLD, server.root)).ok).toBe(true);
  const other = await agent.init(copyDriverBundle({ version: "2.0.0", copies: 1 }), server.root);
  expect(other).toMatchObject({ ok: false, code: "ALREADY_INITIALISED" });
});

const script = driverScript(described("1.0.0"));
test.each<[string, () => Promise<[bundle: Uint8Array, root: Uint8Array]>]>([
  [
    "WRONG_HARDWARE",
    async () => [bundleOf("1.0.0", script, { socs: ["sm8350"] }), await makeRoot()],
  ],
  [
    "WRONG_ABI",
    async () => [bundleOf("1.0.0", script, { abi: { major: 2, minor: 0 } }), await makeRoot()],
  ],
  ["BUNDLE_TRUNCATED", async () => [OLD.subarray(0, 40), await makeRoot()]],
  ["ROOT_MALFORMED", () => Promise.resolve([OLD, utf8("{}")])],
  ["DRIVER_CRASHED", async () => [bundleOf("1.0.0", utf8("no driver")), await makeRoot()]],
])("a factory whose parts do not fit is refused: %s", async (code, parts) => {
  const [bundle, root] = await parts();
  const fresh = createAgent(optionsFor(`${directory}-${code}`, server, {}));
  expect(await fresh.init(bundle, root)).toMatchObject({ ok: false, code });
  expect(await fresh.status()).toMatchObject({ ok: false, code: "NOT_INITIALISED" });
});

test("a device without enrolment does not poll", async () => {
  const fresh = createAgent(optionsFor(`${directory}-fresh`, server, {}));
  unwrap(await fresh.init(OLD, server.root));
  expect(await fresh.poll()).toMatchObject({ ok: false, code: "NOT_ENROLLED" });
});

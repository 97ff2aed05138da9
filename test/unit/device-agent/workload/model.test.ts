/** Registered models as they lie on the disk. */
import { expect, test } from "@jest/globals";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { fileSystemOver } from "../../../../device-agent/slots/index.ts";
import { readModels } from "../../../../device-agent/workload/index.ts";
import { pageCacheDisk } from "../../../support/crash/page-cache.ts";

test.each(["", "{", '{"id":"a"}'])("a model whose file is %p is not registered", async (text) => {
  const files = fileSystemOver(pageCacheDisk());
  await files.replaceFile("models/a.json", utf8(text));
  expect(await readModels(files)).toEqual([]);
});

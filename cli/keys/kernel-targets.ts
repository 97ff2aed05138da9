/** `retile release publish-kernels`: a vendor's kernels, each a target of the vendor's own role. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import {
  describeFile,
  kernelPath,
  parseKernelPath,
  vendorRole,
} from "../../protocol/metadata/index.ts";
import { newestTargets, readDocument } from "./offline-folder.ts";
import { keepContents } from "./outgoing.ts";
import { delegatedAuthority, signNext } from "./sign-next.ts";
import type { SignedDocument, Signing } from "./sign-next.ts";

export interface KernelPack {
  readonly vendor: string;
  /** SoC families that the kernels are for. */
  readonly families: readonly string[];
  /** By file name; one that was listed before is replaced, which drivers that hold the old one do not survive. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export async function signKernels(
  signing: Signing,
  { vendor, families, files }: KernelPack,
): Promise<Result<SignedDocument>> {
  const { folder } = signing;
  const role = vendorRole(vendor);
  const paths = families.flatMap((family) =>
    [...files].map(([file, bytes]) => [kernelPath({ vendor, family, file }), bytes] as const),
  );
  const stray = paths.find(([path]) => parseKernelPath(path) === undefined);
  if (stray) return failed("USAGE", `${stray[0]} is no name that a kernel may have`);
  if (paths.length === 0) return failed("USAGE", "there are no kernels in that folder");
  const top = await readDocument(folder, "targets");
  if (!top || delegatedAuthority(top, role).length === 0) {
    return failed("ROLE_UNKNOWN", `nothing is delegated to ${role}`, { role });
  }
  const newest = await newestTargets(folder, role);
  if (!newest.ok) return newest;
  await keepContents(folder, files.values());
  const added = Object.fromEntries(paths.map(([path, bytes]) => [path, describeFile(bytes)]));
  const document = { ...newest.value, targets: { ...newest.value.targets, ...added } };
  const done = await signNext(signing, { role, document, versionBefore: document.version });
  return done.ok ? succeeded(done.value) : done;
}

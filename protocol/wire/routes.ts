/** Where a server answers devices: what both sides must spell alike. */

/** Media type of every protobuf message. */
export const MESSAGE_MEDIA_TYPE = "application/x-protobuf";

/** POST, a message in and a message out, signed by the device (http-signature.ts). */
export const DEVICE_ROUTES = {
  enrol: "/v1/device/enrol",
  checkIn: "/v1/device/check-in",
  /** The batch bears its own signature, so the request needs none. */
  reports: "/v1/device/reports",
} as const;

/** GET: metadata files by their name in a consistent snapshot, `timestamp.json` or `2.root.json`. */
export const METADATA_ROUTE = "/repository/metadata/";
/** GET, with ranges: targets by their path in a consistent snapshot, `drivers/sm8650/<sha256>.1.0.0`. */
export const TARGETS_ROUTE = "/repository/targets/";

/** GET, with ranges: `<bundle's sha256>.json`, which deltas lead to a bundle, and the deltas by their own SHA-256. */
export const DELTAS_ROUTE = "/repository/deltas/";

const FOLDER_ROUTES = [
  ["targets/", TARGETS_ROUTE],
  ["deltas/", DELTAS_ROUTE],
] as const;

/** Where a file of the repository is, by its path there; metadata lies in no folder. */
export function repositoryRoute(path: string): string {
  const found = FOLDER_ROUTES.find(([folder]) => path.startsWith(folder));
  return found ? found[1] + path.slice(found[0].length) : METADATA_ROUTE + path;
}

/** With a 401 of code SIGNATURE_CLOCK_SKEW: sign the same request again with this nonce. */
export const NONCE_HEADER = "retile-nonce";

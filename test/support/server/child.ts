/** A server in a process of its own, for tests that kill it: `node --import tsx child.ts FOLDER`. */
import { startTestServer } from "./server.ts";

const server = await startTestServer({}, process.argv[2]);
process.stdout.write(`${JSON.stringify({ url: server.url, token: server.token })}\n`);

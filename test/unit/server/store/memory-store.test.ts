/** The store in memory passes the contract: what is tested on it holds for the real one. */
import { memoryStore } from "../../../support/server/memory-store.ts";
import { storeContract } from "../../../support/server/store-contract.ts";

storeContract("memory", async () => memoryStore());

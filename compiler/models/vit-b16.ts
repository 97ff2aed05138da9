/** The vision transformer ViT-B/16 (Dosovitskiy et al., 2020) as torchvision defines it. */
import type { Feature, Network } from "./network.ts";

const LAYERS = 12;
const HEADS = 12;
const HIDDEN = 768;
const HEAD = HIDDEN / HEADS;
const EXPANSION = 4;
const PATCH = 16;

export function vitB16(net: Network, input: Feature): Feature {
  const patches = { channels: HIDDEN, kernel: PATCH, stride: PATCH, bias: true, gain: 1 };
  const image = net.conv(input, { name: "conv_proj", ...patches });
  const [, , height = 1, width = 1] = image.shape;
  const rows = net.reshape(image, [1, HIDDEN, height * width], "patches");
  const learned = { mean: 0, spread: 0.1 };
  const first = net.parameter({ name: "class_token", shape: [1, 1, HIDDEN], ...learned });
  const tokens = net.concat([first, net.transpose(rows, [0, 2, 1], "tokens")], "sequence", 1);
  const places = net.parameter({ name: "pos_embedding", shape: tokens.shape, ...learned });
  let value = net.add(tokens, places, "positioned");
  for (let layer = 0; layer < LAYERS; layer++)
    value = encoder(net, value, `encoder.layers.${layer}`);
  const normal = net.layerNorm(value, "encoder.ln");
  const summary = net.take(normal, { name: "summary", axis: 1, index: 0 });
  return net.linear(summary, { name: "heads.head", channels: 1000, gain: 1 });
}

/** Attention and a two-layer map, each over the normalised value and added to it. */
function encoder(net: Network, input: Feature, name: string): Feature {
  const attended = attention(net, net.layerNorm(input, `${name}.ln_1`), `${name}.attention`);
  const value = net.add(attended, input, `${name}.add_1`);
  const wide = { name: `${name}.mlp.0`, channels: HIDDEN * EXPANSION, gain: 1 };
  const hidden = net.linear(net.layerNorm(value, `${name}.ln_2`), wide);
  const active = net.activate(hidden, "gelu", `${name}.mlp.1`);
  const narrow = net.linear(active, { name: `${name}.mlp.3`, channels: HIDDEN, gain: 1 });
  return net.add(value, narrow, `${name}.add_2`);
}

/** softmax(q kᵀ / √d) v for every head, heads joined by a linear map. */
function attention(net: Network, input: Feature, name: string): Feature {
  const [, count = 1] = input.shape;
  const joined = net.linear(input, { name: `${name}.in_proj`, channels: 3 * HIDDEN, gain: 1 });
  const parts = net.split(joined, { name: `${name}.parts`, axis: 2, parts: 3 });
  const [query, key, value] = ["query", "key", "value"].map((part, index) => {
    const rows = parts[index] ?? joined;
    const heads = net.reshape(rows, [1, count, HEADS, HEAD], `${name}.${part}.rows`);
    const order = part === "key" ? [0, 2, 3, 1] : [0, 2, 1, 3];
    return net.transpose(heads, order, `${name}.${part}`);
  }) as [Feature, Feature, Feature];
  const scaled = net.scale(query, 1 / Math.sqrt(HEAD), `${name}.scaled`);
  const scores = net.softmax(net.matmul(scaled, key, `${name}.scores`), `${name}.softmax`);
  const mixed = net.matmul(scores, value, `${name}.mixed`);
  const rows = net.transpose(mixed, [0, 2, 1, 3], `${name}.rows`);
  const flat = net.reshape(rows, [1, count, HIDDEN], `${name}.flat`);
  return net.linear(flat, { name: `${name}.out_proj`, channels: HIDDEN, gain: 1 });
}

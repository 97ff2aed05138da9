/** How well one series agrees with another. */

export interface Pair {
  readonly measured: number;
  readonly simulated: number;
}

/** Mean absolute percentage error, in percent; NaN of nothing. */
export function meanErrorPercent(pairs: readonly Pair[]): number {
  const errors = pairs.map(({ measured, simulated }) => Math.abs(simulated / measured - 1));
  return (100 * errors.reduce((sum, error) => sum + error, 0)) / errors.length;
}

/** Spearman's rank correlation; ties share their mean rank. NaN of fewer than two pairs. */
export function spearman(pairs: readonly Pair[]): number {
  const a = ranks(pairs.map(({ measured }) => measured));
  const b = ranks(pairs.map(({ simulated }) => simulated));
  const mean = (pairs.length - 1) / 2;
  let [product, squareA, squareB] = [0, 0, 0];
  for (const [index, rank] of a.entries()) {
    const [fromA, fromB] = [rank - mean, (b[index] ?? 0) - mean];
    product += fromA * fromB;
    squareA += fromA ** 2;
    squareB += fromB ** 2;
  }
  return product / Math.sqrt(squareA * squareB);
}

function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal - 1) / 2;
  });
}

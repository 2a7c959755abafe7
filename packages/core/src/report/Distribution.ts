/**
 * How often each value of a number occurs, exactly.
 *
 * @since 0.1.0
 */

/**
 * Values with how often each occurs, ascending.
 *
 * @since 0.1.0
 * @category models
 */
export interface Distribution {
  readonly count: number
  readonly values: ReadonlyArray<readonly [value: number, times: number]>
}

/**
 * Values from `from` up to, not including, `to`; the last one has no end.
 *
 * @since 0.1.0
 * @category models
 */
export interface Bin {
  readonly from: number
  readonly to: number | undefined
  readonly count: number
}

/**
 * The distribution of counted values.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (counts: ReadonlyMap<number, number>): Distribution => {
  const values = [...counts].sort(([left], [right]) => left - right)
  return { count: values.reduce((sum, [, times]) => sum + times, 0), values }
}

/**
 * The least value that so many percent of all values do not exceed (the nearest rank, as `quantile_disc` of SQL has it);
 * `undefined` where there is no value.
 *
 * @since 0.1.0
 * @category reading
 */
export const percentile = ({ count, values }: Distribution, percent: number): number | undefined => {
  const rank = Math.max(1, Math.ceil((count * percent) / 100))
  let passed = 0
  for (const [value, times] of values) {
    passed += times
    if (passed >= rank) return value
  }
  return undefined
}

/**
 * The values in bins that begin at these edges; the first edge is the least value that counts.
 *
 * @since 0.1.0
 * @category reading
 */
export const bins = ({ values }: Distribution, edges: ReadonlyArray<number>): ReadonlyArray<Bin> => {
  const counts = edges.map(() => 0)
  for (const [value, times] of values) {
    const at = edges.findLastIndex((edge) => value >= edge)
    if (at >= 0) counts[at] = (counts[at] ?? 0) + times
  }
  return edges.map((from, at) => ({ from, to: edges[at + 1], count: counts[at] ?? 0 }))
}

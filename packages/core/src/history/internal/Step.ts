/** Which page to ask for next, so that it overlaps with what was read of the same bounds. */

export interface Step {
  readonly page: number
  readonly size: number
  /** How many rows lie in front of it. */
  readonly skip: number
}

/** The page behind those of the same size: nothing shows whether a row slipped past between two of them. */
export const next = ({ page, size }: Step, read: number): Step => ({ page: page + 1, size, skip: read })

/**
 * A page's place is a multiple of its size: of the sizes that make one begin with the last `overlap` of the rows that were read, or
 * before them, the one that brings the most. Nothing where no size does, because pages are too small.
 */
export const overlapping = (read: number, most: number, overlap = 1): Step | undefined => {
  let best: Step | undefined
  for (let size = most; size >= most * 0.6; size--) {
    const before = Math.floor((read - overlap) / size)
    const skip = before * size
    if (skip + size > Math.max(read, best === undefined ? 0 : best.skip + best.size))
      best = { page: before + 1, size, skip }
  }
  return best
}

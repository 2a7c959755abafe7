/** The most in any second that is half open, of ascending seconds. */
export const mostInASecond = (times: ReadonlyArray<number>): number => {
  let first = 0
  return times.reduce((most, at, last) => {
    while ((times[first] ?? at) <= at - 1) first++
    return Math.max(most, last - first + 1)
  }, 0)
}

/** Small histories that were once called proven wrongly, or that are without one of the reader's rules. */
import type { Event } from "./SmallServer.ts"

interface Found {
  readonly name: string
  readonly shape: string
  readonly events: ReadonlyArray<Event>
}

export const found: ReadonlyArray<Found> = [
  {
    name: "the look at the ends after reading again lists a row",
    shape: "tied, walk, oldest, 2 a page, results first 4",
    events: []
  },
  {
    name: "a limit ends a page within rows that start together, and what lies beyond is on the next one",
    shape: "tied, walk, oldest, 2 a page, results first 3",
    events: []
  },
  {
    name: "a limit cuts a part to as many rows as pages of the whole counted",
    shape: "tied, pages, newest, 3 a page, results first 3",
    events: []
  },
  {
    name: "the count of a half lists a row",
    shape: "tied, pages, oldest, 3 a page, first beyond",
    events: [{ kind: "hides", row: 1, from: 1, to: 6, every: 1 }]
  },
  {
    name: "a count lists the only row of a part, and no page brings it",
    shape: "burst, cut, oldest, 3 a page, differs",
    events: [{ kind: "hides", row: 6, from: 24, to: 1e9, every: 2 }]
  },
  {
    name: "a row that arrives makes a window too large to be read again, which does not end the run",
    shape: "apart, walk, newest, 2 a page, results error 4",
    events: [{ kind: "arrives", row: 2, after: 4 }]
  },
  {
    name: "two rows leave between two pages, which pass one by, and one that comes makes the count right",
    shape: "long, pages, newest, 4 a page",
    events: [
      { kind: "leaves", row: 5, after: 1 },
      { kind: "leaves", row: 6, after: 1 },
      { kind: "arrives", row: 7, after: 2 }
    ]
  },
  {
    name: "a row leaves, and of three that start together one changes places with the last one of a page: no answer lists it",
    shape: "crossing, pages, newest, 7 a page, ties turn",
    events: [{ kind: "leaves", row: 8, after: 1 }]
  },
  {
    name: "the same where the server orders by creation, and calls of one campaign were created together",
    shape: "campaign, pages, created, 8 a page, ties circle",
    events: [{ kind: "leaves", row: 7, after: 1 }]
  },
  {
    name: "the same on pages that are too small to overlap by two rows",
    shape: "tied, pages, newest, 3 a page, ties turn",
    events: [{ kind: "leaves", row: 4, after: 1 }]
  },
  {
    name: "a row is on two pages of the second reading, where another one that starts with it should be",
    shape: "campaign, pages, created, 7 a page, ties circle",
    events: [{ kind: "hides", row: 7, from: 2, to: 2, every: 1 }]
  }
]

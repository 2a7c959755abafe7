import type { Case } from "./Histories.ts"

/** Cases that once made the walk say proven with a session missing, by what misled it. */
export const found: Readonly<Record<string, Case>> = {
  "the page that is counted is itself a repetition of the last": {
    simulator: {
      seed: 510,
      startAt: 1780272000000000,
      sessions: 32,
      content: "minimal",
      maxPageSize: 3,
      span: "30 days",
      age: "1 minute",
      granularity: "micro",
      undated: 0.2,
      undatedAs: "absent",
      undatedOrder: "postgres",
      queued: 0.3,
      ties: {
        share: 0,
        ways: 2
      },
      edition: "camel",
      emptyList: "null",
      metaTotal: "string",
      order: "id-desc",
      sorting: "honoured",
      sortFields: ["started_at", "startedAt", "created_at"],
      unknownSort: "ignore",
      offsetFrom: "clamped",
      beyondLast: "last",
      tieOrder: "query",
      clockOffset: 0,
      date: "clock",
      visible: "created",
      visibleLag: "5 minutes",
      arrivalsPerHour: 0,
      departuresPerHour: 10,
      duplicated: 0,
      bounds: {
        after: "exclusive",
        before: "inclusive",
        truncate: "none",
        undated: "none"
      },
      filterAfterPaging: "nothing"
    },
    range: {},
    read: {
      concurrency: 4,
      pageSize: 100,
      pagesPerWindow: 2,
      keepGoing: false,
      cuts: []
    },
    step: 1000,
    client: false
  },
  "pages of equal starts that are alike are not the end": {
    simulator: {
      seed: 1613,
      startAt: 1780272000000000,
      sessions: 32,
      content: "minimal",
      maxPageSize: 2,
      span: "3 days",
      age: "3 hours",
      granularity: "milli",
      undated: 0.02,
      undatedAs: "mixed",
      undatedOrder: "last",
      queued: 0.02,
      ties: {
        share: 0.2,
        ways: 3
      },
      edition: "snake",
      emptyList: "absent",
      metaTotal: "string",
      order: "start-asc",
      sorting: "ignored",
      sortFields: ["started_at", "startedAt", "created_at"],
      unknownSort: "ignore",
      offsetFrom: "clamped",
      beyondLast: "empty",
      tieOrder: "query",
      clockOffset: "3 hours",
      date: "clock",
      visible: "ended",
      visibleLag: 0,
      arrivalsPerHour: 2000,
      departuresPerHour: 20,
      duplicated: 0,
      bounds: {
        after: "inclusive",
        before: "exclusive",
        truncate: "none",
        undated: "none"
      },
      filterAfterPaging: "nothing"
    },
    range: {},
    read: {
      concurrency: 4,
      pageSize: 10,
      pagesPerWindow: 2,
      keepGoing: false,
      cuts: [1780201271039951, 1780152902147618]
    },
    step: 0,
    client: false
  },
  "the page that would show the clamp cannot be rendered": {
    simulator: {
      seed: 3455,
      startAt: 1780272000000000,
      sessions: 16,
      content: "minimal",
      maxPageSize: 2,
      span: "30 days",
      age: "3 hours",
      granularity: "second",
      undated: 0.2,
      undatedAs: "null",
      undatedOrder: "first",
      queued: 0.02,
      ties: {
        share: 0.5,
        ways: 40
      },
      edition: "snake",
      emptyList: "absent",
      metaTotal: "absent",
      order: "id-desc",
      sorting: "honoured",
      sortFields: ["startedAt"],
      unknownSort: "reject",
      offsetFrom: "asked",
      beyondLast: "first",
      tieOrder: "id",
      clockOffset: 0,
      date: "clock",
      visible: "created",
      visibleLag: 0,
      arrivalsPerHour: 0,
      departuresPerHour: 0,
      duplicated: 0,
      bounds: {
        after: "exclusive",
        before: "exclusive",
        truncate: "none",
        undated: "none"
      },
      filterAfterPaging: "nothing",
      poison: [3, 13]
    },
    range: {},
    read: {
      concurrency: 4,
      pageSize: 10,
      pagesPerWindow: 2,
      keepGoing: true,
      cuts: []
    },
    step: 50,
    client: false
  },
  "bounds applied after paging, in an order by id": {
    simulator: {
      seed: 3845,
      startAt: 1780272000000000,
      sessions: 35,
      content: "minimal",
      maxPageSize: 2,
      span: "3 days",
      age: "3 hours",
      granularity: "second",
      undated: 0,
      undatedAs: "null",
      undatedOrder: "first",
      queued: 0.02,
      ties: {
        share: 0,
        ways: 2
      },
      edition: "camel",
      emptyList: "null",
      metaTotal: "absent",
      order: "id-desc",
      sorting: "ignored",
      sortFields: ["startedAt"],
      unknownSort: "ignore",
      offsetFrom: "asked",
      beyondLast: "last",
      tieOrder: "query",
      clockOffset: "3 hours",
      date: "absent",
      visible: "started",
      visibleLag: "5 minutes",
      arrivalsPerHour: 0,
      departuresPerHour: 0,
      duplicated: 0.05,
      bounds: {
        after: "inclusive",
        before: "exclusive",
        truncate: "second",
        undated: "none"
      },
      filterAfterPaging: "all"
    },
    range: {
      from: 1780045485867973,
      to: 1780160051178369
    },
    read: {
      concurrency: 1,
      pageSize: 100,
      pagesPerWindow: 20,
      keepGoing: false,
      cuts: []
    },
    step: 0,
    client: false
  },
  "a cache's total, and undated ones that left": {
    simulator: {
      seed: 4279,
      startAt: 1780272000000000,
      sessions: 64,
      content: "minimal",
      maxPageSize: 7,
      span: "3 days",
      age: "3 hours",
      granularity: "second",
      undated: 0.2,
      undatedAs: "mixed",
      undatedOrder: "first",
      queued: 0.3,
      ties: {
        share: 0,
        ways: 2
      },
      edition: "camel",
      emptyList: "absent",
      metaTotal: "string",
      order: "start-desc",
      sorting: "ignored",
      sortFields: ["startedAt"],
      unknownSort: "ignore",
      offsetFrom: "clamped",
      beyondLast: "first",
      tieOrder: "id",
      clockOffset: 0,
      date: "clock",
      visible: "created",
      visibleLag: "5 minutes",
      arrivalsPerHour: 0,
      departuresPerHour: 20,
      duplicated: 0,
      bounds: {
        after: "exclusive",
        before: "inclusive",
        truncate: "none",
        undated: "none"
      },
      filterAfterPaging: "nothing",
      cache: {
        ttl: "1 hour",
        respectNoCache: false,
        age: true
      }
    },
    range: {},
    read: {
      concurrency: 3,
      pageSize: 5,
      pagesPerWindow: 20,
      keepGoing: false,
      cuts: []
    },
    step: 1000,
    client: false
  },
  "filters and bounds applied after paging, behind a cache": {
    simulator: {
      seed: 4711,
      startAt: 1780272000000000,
      sessions: 152,
      content: "minimal",
      maxPageSize: 2,
      span: "2 hours",
      age: "1 minute",
      granularity: "milli",
      undated: 0,
      undatedAs: "zero",
      undatedOrder: "last",
      queued: 0.3,
      ties: {
        share: 0.5,
        ways: 40
      },
      edition: "snake",
      emptyList: "array",
      metaTotal: "absent",
      order: "start-desc",
      sorting: "honoured",
      sortFields: ["startedAt"],
      unknownSort: "ignore",
      offsetFrom: "asked",
      beyondLast: "empty",
      tieOrder: "query",
      clockOffset: 0,
      date: "clock",
      visible: "created",
      visibleLag: 0,
      arrivalsPerHour: 0,
      departuresPerHour: 10,
      duplicated: 0,
      bounds: {
        after: "exclusive",
        before: "exclusive",
        truncate: "second",
        undated: "none"
      },
      filterAfterPaging: "all",
      cache: {
        ttl: "1 hour",
        respectNoCache: false,
        age: false
      }
    },
    range: {},
    read: {
      concurrency: 1,
      pageSize: 100,
      pagesPerWindow: 5,
      keepGoing: false,
      cuts: [],
      callerNumber: "+442553472349"
    },
    step: 1000,
    client: false
  },
  "calls seen by one replica stand for undated ones in the total of another": {
    simulator: {
      seed: 4805,
      startAt: 1780272000000000,
      sessions: 104,
      content: "minimal",
      maxPageSize: 2,
      span: "3 days",
      age: "3 hours",
      granularity: "second",
      undated: 0.02,
      undatedAs: "absent",
      undatedOrder: "last",
      queued: 0.02,
      ties: {
        share: 0.5,
        ways: 40
      },
      edition: "snake",
      emptyList: "null",
      metaTotal: "absent",
      order: "start-desc",
      sorting: "honoured",
      sortFields: ["started_at", "startedAt", "created_at"],
      unknownSort: "ignore",
      offsetFrom: "clamped",
      beyondLast: "empty",
      tieOrder: "random",
      clockOffset: 0,
      date: "frozen",
      visible: "created",
      visibleLag: 0,
      arrivalsPerHour: 100,
      departuresPerHour: 0,
      duplicated: 0,
      bounds: {
        after: "inclusive",
        before: "inclusive",
        truncate: "second",
        undated: "none"
      },
      filterAfterPaging: "nothing",
      replicas: {
        count: 2,
        lag: "10 minutes"
      }
    },
    range: {},
    read: {
      concurrency: 1,
      pageSize: 10,
      pagesPerWindow: 2,
      keepGoing: false,
      cuts: []
    },
    step: 50,
    client: false
  },
  "bounds applied after paging, and hardly a row known": {
    simulator: {
      seed: 21429,
      startAt: 1780272000000000,
      sessions: 7,
      content: "minimal",
      maxPageSize: 2,
      span: "3 days",
      age: "3 hours",
      granularity: "second",
      undated: 0,
      undatedAs: "absent",
      undatedOrder: "first",
      queued: 0.02,
      ties: {
        share: 0.5,
        ways: 40
      },
      edition: "snake",
      emptyList: "array",
      metaTotal: "number",
      order: "insertion",
      sorting: "honoured",
      sortFields: [],
      unknownSort: "ignore",
      offsetFrom: "clamped",
      beyondLast: "last",
      tieOrder: "query",
      clockOffset: 0,
      date: "clock",
      visible: "created",
      visibleLag: 0,
      arrivalsPerHour: 0,
      departuresPerHour: 0,
      duplicated: 0.05,
      bounds: {
        after: "inclusive",
        before: "inclusive",
        truncate: "second",
        undated: "none"
      },
      filterAfterPaging: "all",
      poison: [5, 1]
    },
    range: {
      from: 1780026291054458,
      to: 1780258385767535
    },
    read: {
      concurrency: 3,
      pageSize: 10,
      keepGoing: true,
      cuts: [],
      horizon: "1 hour"
    },
    step: 0,
    client: false
  },
  "empty answers among many small windows": {
    simulator: {
      seed: 22285,
      startAt: 1780272000000000,
      sessions: 143,
      content: "minimal",
      maxPageSize: 2,
      span: "3 days",
      age: "3 hours",
      granularity: "micro",
      undated: 0,
      undatedAs: "zero",
      undatedOrder: "postgres",
      queued: 0.3,
      ties: {
        share: 0.2,
        ways: 3
      },
      edition: "snake",
      emptyList: "array",
      metaTotal: "number",
      order: "start-desc",
      sorting: "ignored",
      sortFields: ["startedAt"],
      unknownSort: "ignore",
      offsetFrom: "asked",
      beyondLast: "empty",
      tieOrder: "query",
      clockOffset: 0,
      date: "clock",
      visible: "started",
      visibleLag: 0,
      arrivalsPerHour: 2000,
      departuresPerHour: 10,
      duplicated: 0,
      bounds: {
        after: "exclusive",
        before: "exclusive",
        truncate: "second",
        undated: "none"
      },
      filterAfterPaging: "nothing",
      faultRate: 0.1,
      faults: [
        {
          _tag: "EmptyAnswer"
        },
        {
          _tag: "EmptyAnswer"
        },
        {
          _tag: "Status",
          status: 500
        },
        {
          _tag: "Status",
          status: 429
        },
        {
          _tag: "Reset"
        },
        {
          _tag: "Unsuccessful"
        },
        {
          _tag: "Html"
        },
        {
          _tag: "Truncated",
          at: 0.5
        }
      ]
    },
    range: {},
    read: {
      concurrency: 3,
      pageSize: 100,
      keepGoing: false,
      cuts: []
    },
    step: 0,
    client: true
  },
  "bounds applied after paging behind a cache, at random": {
    simulator: {
      seed: 22654,
      startAt: 1780272000000000,
      sessions: 19,
      content: "minimal",
      maxPageSize: 2,
      span: "3 days",
      age: "1 minute",
      granularity: "micro",
      undated: 0,
      undatedAs: "empty",
      undatedOrder: "last",
      queued: 0.3,
      ties: {
        share: 0.2,
        ways: 3
      },
      edition: "snake",
      emptyList: "array",
      metaTotal: "number",
      order: "created-desc",
      sorting: "ignored",
      sortFields: ["started_at", "startedAt", "created_at"],
      unknownSort: "reject",
      offsetFrom: "clamped",
      beyondLast: "empty",
      tieOrder: "random",
      clockOffset: "3 hours",
      date: "absent",
      visible: "ended",
      visibleLag: "5 minutes",
      arrivalsPerHour: 0,
      departuresPerHour: 0,
      duplicated: 0,
      bounds: {
        after: "exclusive",
        before: "exclusive",
        truncate: "second",
        undated: "none"
      },
      filterAfterPaging: "all",
      cache: {
        ttl: "1 hour",
        respectNoCache: false,
        age: false
      }
    },
    range: {
      from: 1780207266114253,
      to: 1780251505846467
    },
    read: {
      concurrency: 4,
      pageSize: 10,
      pagesPerWindow: 5,
      keepGoing: false,
      cuts: []
    },
    step: 1000,
    client: false
  },
  "filters applied after paging, and equal starts at random": {
    simulator: {
      seed: 41132,
      startAt: 1780272000000000,
      sessions: 125,
      content: "minimal",
      maxPageSize: 7,
      span: "3 days",
      age: "3 hours",
      granularity: "milli",
      undated: 0.02,
      undatedAs: "empty",
      undatedOrder: "last",
      queued: 0.3,
      ties: {
        share: 0.5,
        ways: 40
      },
      edition: "camel",
      emptyList: "null",
      metaTotal: "string",
      order: "start-desc",
      sorting: "ignored",
      sortFields: [],
      unknownSort: "reject",
      offsetFrom: "clamped",
      beyondLast: "first",
      tieOrder: "random",
      clockOffset: "3 hours",
      date: "frozen",
      visible: "created",
      visibleLag: 0,
      arrivalsPerHour: 0,
      departuresPerHour: 10,
      duplicated: 0.05,
      bounds: {
        after: "exclusive",
        before: "exclusive",
        truncate: "second",
        undated: "none"
      },
      filterAfterPaging: "filters"
    },
    range: {},
    read: {
      concurrency: 4,
      pageSize: 5,
      keepGoing: false,
      cuts: [],
      callerNumber: "+9717224550705"
    },
    step: 50,
    client: false
  },
  "an empty answer, and a smaller page instead of it": {
    simulator: {
      seed: 63482,
      startAt: 1780272000000000,
      sessions: 111,
      content: "minimal",
      maxPageSize: 2,
      span: "3 days",
      age: "3 hours",
      granularity: "second",
      undated: 0,
      undatedAs: "absent",
      undatedOrder: "last",
      queued: 0.02,
      ties: {
        share: 0,
        ways: 2
      },
      edition: "camel",
      emptyList: "array",
      metaTotal: "absent",
      order: "created-asc",
      sorting: "ignored",
      sortFields: ["started_at", "startedAt", "created_at"],
      unknownSort: "reject",
      offsetFrom: "asked",
      beyondLast: "empty",
      tieOrder: "query",
      clockOffset: 0,
      date: "clock",
      visible: "ended",
      visibleLag: "5 minutes",
      arrivalsPerHour: 100,
      departuresPerHour: 0,
      duplicated: 0,
      bounds: {
        after: "inclusive",
        before: "inclusive",
        truncate: "second",
        undated: "none"
      },
      filterAfterPaging: "nothing",
      poison: [37, 31],
      faultRate: 0.02,
      faults: [
        {
          _tag: "EmptyAnswer"
        },
        {
          _tag: "EmptyAnswer"
        },
        {
          _tag: "Status",
          status: 500
        },
        {
          _tag: "Status",
          status: 429
        },
        {
          _tag: "Reset"
        },
        {
          _tag: "Unsuccessful"
        },
        {
          _tag: "Html"
        },
        {
          _tag: "Truncated",
          at: 0.5
        }
      ]
    },
    range: {},
    read: {
      concurrency: 1,
      pageSize: 5,
      pagesPerWindow: 2,
      keepGoing: true,
      cuts: []
    },
    step: 1000,
    client: true
  },
  "a row that left during a pass stood in the sum for one that ties hid": {
    simulator: {
      seed: 843392814,
      startAt: 1780272000000000,
      sessions: 44,
      content: "minimal",
      maxPageSize: 50,
      span: "3 days",
      age: "3 hours",
      granularity: "milli",
      undated: 0.02,
      undatedAs: "mixed",
      undatedOrder: "last",
      queued: 0.3,
      ties: { share: 0.5, ways: 40 },
      edition: "snake",
      emptyList: "null",
      metaTotal: "string",
      order: "start-asc",
      sorting: "ignored",
      sortFields: [],
      unknownSort: "ignore",
      offsetFrom: "clamped",
      beyondLast: "empty",
      tieOrder: "query",
      clockOffset: 0,
      date: "clock",
      visible: "ended",
      visibleLag: 0,
      arrivalsPerHour: 100,
      departuresPerHour: 10,
      duplicated: 0.05,
      bounds: { after: "inclusive", before: "exclusive", truncate: "none", undated: "none" },
      filterAfterPaging: "nothing"
    },
    range: { from: 1780108343544558, to: 1780233631337800 },
    read: { concurrency: 3, pageSize: 10, pagesPerWindow: 20, keepGoing: false, cuts: [] },
    step: 1000,
    client: false
  },
  "a row listed twice made the first page look like the end": {
    simulator: {
      seed: 5001300,
      startAt: 1780272000000000,
      sessions: 103,
      content: "minimal",
      maxPageSize: 2,
      span: "3 days",
      age: "3 hours",
      granularity: "milli",
      undated: 0.2,
      undatedAs: "null",
      undatedOrder: "first",
      queued: 0.02,
      ties: { share: 0.2, ways: 3 },
      edition: "camel",
      emptyList: "absent",
      metaTotal: "string",
      order: "start-asc",
      sorting: "ignored",
      sortFields: ["startedAt"],
      unknownSort: "reject",
      offsetFrom: "clamped",
      beyondLast: "first",
      tieOrder: "random",
      clockOffset: 0,
      date: "absent",
      visible: "ended",
      visibleLag: 0,
      arrivalsPerHour: 0,
      departuresPerHour: 10,
      duplicated: 0.05,
      bounds: { after: "inclusive", before: "exclusive", truncate: "second", undated: "none" },
      filterAfterPaging: "nothing"
    },
    range: {},
    read: { concurrency: 1, pageSize: 5, pagesPerWindow: 5, keepGoing: false, cuts: [] },
    step: 0,
    client: false
  },
  "bounds applied after paging, and the only row known stands in the first place": {
    simulator: {
      seed: 7001877,
      startAt: 1780272000000000,
      sessions: 2,
      content: "minimal",
      maxPageSize: 7,
      span: "3 days",
      age: "3 hours",
      granularity: "micro",
      undated: 0,
      undatedAs: "zero",
      undatedOrder: "first",
      queued: 0.02,
      ties: { share: 0, ways: 2 },
      edition: "snake",
      emptyList: "array",
      metaTotal: "absent",
      order: "insertion",
      sorting: "ignored",
      sortFields: [],
      unknownSort: "ignore",
      offsetFrom: "clamped",
      beyondLast: "empty",
      tieOrder: "id",
      clockOffset: "3 hours",
      date: "clock",
      visible: "started",
      visibleLag: 0,
      arrivalsPerHour: 100,
      departuresPerHour: 0,
      duplicated: 0,
      bounds: { after: "inclusive", before: "inclusive", truncate: "second", undated: "none" },
      filterAfterPaging: "all",
      poison: [1, 1]
    },
    range: {},
    read: { concurrency: 3, pageSize: 10, pagesPerWindow: 5, keepGoing: true, cuts: [] },
    step: 0,
    client: false
  },
  "a replica that lags shows a session without its start": {
    simulator: {
      seed: 7005104,
      startAt: 1780272000000000,
      sessions: 32,
      content: "minimal",
      maxPageSize: 7,
      span: "2 hours",
      age: "1 minute",
      granularity: "second",
      undated: 0,
      undatedAs: "zero",
      undatedOrder: "last",
      queued: 0.02,
      ties: { share: 0.2, ways: 3 },
      edition: "snake",
      emptyList: "array",
      metaTotal: "string",
      order: "start-desc",
      sorting: "ignored",
      sortFields: [],
      unknownSort: "ignore",
      offsetFrom: "clamped",
      beyondLast: "last",
      tieOrder: "random",
      clockOffset: 0,
      date: "frozen",
      visible: "created",
      visibleLag: 0,
      arrivalsPerHour: 0,
      departuresPerHour: 10,
      duplicated: 0,
      bounds: { after: "exclusive", before: "inclusive", truncate: "none", undated: "none" },
      filterAfterPaging: "nothing",
      replicas: { count: 3, lag: "1 minute" }
    },
    range: {},
    read: { concurrency: 3, pageSize: 100, pagesPerWindow: 20, keepGoing: false, cuts: [], channel: "inbound_call" },
    step: 50,
    client: false
  },
  "calls come as fast as pages are read where time bounds could not be tried": {
    simulator: {
      seed: 8001004,
      startAt: 1780272000000000,
      sessions: 0,
      content: "minimal",
      maxPageSize: 50,
      span: "3 days",
      age: "3 hours",
      granularity: "micro",
      undated: 0.2,
      undatedAs: "null",
      undatedOrder: "last",
      queued: 0.02,
      ties: { share: 0.5, ways: 40 },
      edition: "snake",
      emptyList: "null",
      metaTotal: "number",
      order: "created-asc",
      sorting: "honoured",
      sortFields: [],
      unknownSort: "ignore",
      offsetFrom: "clamped",
      beyondLast: "empty",
      tieOrder: "id",
      clockOffset: "3 hours",
      date: "absent",
      visible: "created",
      visibleLag: 0,
      arrivalsPerHour: 2000,
      departuresPerHour: 0,
      duplicated: 0,
      bounds: { after: "inclusive", before: "exclusive", truncate: "none", undated: "before" },
      filterAfterPaging: "nothing"
    },
    range: {},
    read: { concurrency: 1, pageSize: 5, pagesPerWindow: 20, keepGoing: false, cuts: [], horizon: "1 hour" },
    step: 1000,
    client: false
  },
  "bounds applied after paging, and the rows that stood before the known one left": {
    simulator: {
      seed: 9001580,
      startAt: 1780272000000000,
      sessions: 16,
      content: "minimal",
      maxPageSize: 2,
      span: "3 days",
      age: "3 hours",
      granularity: "milli",
      undated: 0,
      undatedAs: "mixed",
      undatedOrder: "last",
      queued: 0.02,
      ties: { share: 0.5, ways: 40 },
      edition: "camel",
      emptyList: "array",
      metaTotal: "absent",
      order: "created-desc",
      sorting: "ignored",
      sortFields: ["started_at", "startedAt", "created_at"],
      unknownSort: "reject",
      offsetFrom: "clamped",
      beyondLast: "first",
      tieOrder: "id",
      clockOffset: 0,
      date: "clock",
      visible: "ended",
      visibleLag: "5 minutes",
      arrivalsPerHour: 0,
      departuresPerHour: 60,
      duplicated: 0,
      bounds: { after: "inclusive", before: "inclusive", truncate: "none", undated: "none" },
      filterAfterPaging: "all"
    },
    range: {},
    read: { concurrency: 4, pageSize: 10, keepGoing: false, cuts: [], horizon: "1 hour" },
    step: 1000,
    client: false
  }
}

/** Histories that torture found wrong once, by what was wrong in them. */
import type * as Histories from "./SyncHistories.ts"

const usual = { scale: 0.125, until: 77_760_000_000, horizon: 0.5, audits: [2, 6, 12], closely: 0 } as const

export const found: Readonly<Record<string, Histories.Case>> = {
  "a start moves by 16 minutes while another call leaves unseen: the count of both stays the same": {
    ...usual,
    seed: 771696,
    calls: 8,
    days: 0.1886224969290197,
    rare: 80,
    pageSize: 10,
    undated: "front",
    isInclusive: false,
    kills: 0.3,
    every: 2_988_818_866,
    batch: 1,
    away: 0.5
  },
  "the same, where bounds are inclusive": {
    ...usual,
    seed: 880625,
    calls: 8,
    days: 0.110265102959238,
    rare: 80,
    pageSize: 12,
    undated: "front",
    isInclusive: true,
    kills: 0.3,
    every: 5_210_249_585,
    batch: 3,
    away: 0.5
  },
  "the same, by a replica that lags": {
    ...usual,
    seed: 880739,
    calls: 18,
    days: 0.17035641411785035,
    rare: 80,
    pageSize: 15,
    undated: "front",
    isInclusive: false,
    lag: 300_000_000,
    kills: 0,
    every: 5_771_494_756,
    batch: 3,
    away: 0
  },
  "calls without a start time that a consumer lacks are on pages that do not show by what they are ordered": {
    ...usual,
    seed: 772190,
    calls: 7,
    days: 0.13466234765946866,
    rare: 40,
    pageSize: 15,
    undated: "created",
    isInclusive: true,
    kills: 0,
    every: 1_556_055_977,
    batch: 3,
    away: 0.5
  },
  "calls without a start time are hidden at first, and an audit has to look for them again": {
    ...usual,
    seed: 890301,
    calls: 20,
    days: 0.1875290755648166,
    rare: 0,
    pageSize: 8,
    undated: "created",
    isInclusive: false,
    lag: 300_000_000,
    kills: 0.3,
    every: 10_236_944_420,
    batch: 3,
    away: 0.9
  },
  "so many calls leave that nothing shows any more what bounds do": {
    ...usual,
    seed: 880282,
    calls: 6,
    days: 0.18702878234907985,
    rare: 40,
    pageSize: 12,
    undated: "created",
    isInclusive: false,
    kills: 0,
    every: 7_829_753_742,
    batch: 3,
    away: 0.9,
    closely: 0.1
  },
  "counts of two replicas show no call without a start time, and it is in front of the list": {
    ...usual,
    seed: 884185,
    calls: 18,
    days: 0.15802622162736954,
    rare: 0,
    pageSize: 13,
    undated: "front",
    isInclusive: true,
    lag: 300_000_000,
    kills: 0,
    every: 4_028_204_572,
    batch: 20,
    away: 0.5,
    closely: 0.1
  }
}

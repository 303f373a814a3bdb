/** Metrics as programs send them: of each kind of OTLP, with series that begin anew. */
const CUMULATIVE = 2;
const DELTA = 1;
/** Points are in the five minutes from here on. */
export const BEGIN = Math.floor((Date.now() - 600_000) / 60_000) * 60_000;
export const RANGE = { since: iso(0), until: iso(5), stepMs: 60_000 };

export function iso(minutes: number): string {
  return new Date(BEGIN + minutes * 60_000).toISOString();
}

const nano = (minutes: number): string => `${BEGIN + minutes * 60_000}000000`;
export const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });

/** Points by minute, of one series named by `region`. */
export function points(values: Record<string, object>, region = "north", startMinute = 0): object[] {
  return Object.entries(values).map(([minute, value]) => ({
    timeUnixNano: nano(Number(minute)),
    startTimeUnixNano: nano(startMinute),
    attributes: [attribute("region", region)],
    ...value,
  }));
}

export const doubles = (values: Record<string, number>) =>
  Object.fromEntries(Object.entries(values).map(([minute, asDouble]) => [minute, { asDouble }]));

const HISTOGRAM = {
  explicitBounds: [1, 2, 4],
  first: { count: 2, sum: 3, bucketCounts: [0, 2, 0, 0] },
  second: { count: 6, sum: 15, bucketCounts: [0, 2, 4, 0] },
  // Begun anew.
  third: { count: 1, sum: 0.5, bucketCounts: [1, 0, 0, 0] },
};

/** In two regions. */
export function sentMetrics(): object[] {
  const { explicitBounds, first, second, third } = HISTOGRAM;
  return [
    {
      name: "queue.size",
      unit: "{item}",
      description: "Waiting",
      gauge: {
        dataPoints: [
          ...points(doubles({ 0: 1, 0.5: 3, 1: 8 })),
          ...points(doubles({ 0: 10, 1: 20 }), "south"),
        ],
      },
    },
    {
      name: "orders",
      sum: {
        aggregationTemporality: CUMULATIVE,
        isMonotonic: true,
        // From 6 on it is another count: the program was started again.
        dataPoints: [
          ...points(doubles({ 0: 100, 1: 160, 2: 6 }), "north", -60),
          ...points(doubles({ 1: 30 }), "south", 0.5),
        ],
      },
    },
    {
      name: "bytes",
      sum: {
        aggregationTemporality: DELTA,
        isMonotonic: true,
        dataPoints: points(doubles({ 0: 60, 1: 120, 1.5: 120 })),
      },
    },
    {
      name: "latency",
      unit: "s",
      histogram: {
        aggregationTemporality: CUMULATIVE,
        dataPoints: [
          ...points({ 0: { ...first, explicitBounds }, 1: { ...second, explicitBounds } }, "north", -60),
          ...points({ 2: { ...third, explicitBounds } }, "north", 1.5),
        ],
      },
    },
    {
      name: "size",
      exponentialHistogram: {
        aggregationTemporality: DELTA,
        dataPoints: points({
          0: {
            count: 8,
            sum: 24,
            scale: 0,
            zeroCount: 0,
            positive: { offset: 1, bucketCounts: [8] },
            min: 3,
            max: 3,
          },
        }),
      },
    },
  ];
}

// ExportMetricsServiceRequest
export const ENTRIES = 1;
// ResourceMetrics
export const RESOURCE = 1;
export const SCOPES = 2;
// ScopeMetrics
export const SCOPE = 1;
export const METRICS = 2;
// Metric
export const NAME = 1;
export const UNIT = 3;
/** Gauge, Sum, Histogram, ExponentialHistogram and Summary: the fields of `Metric` that hold them. */
export const DATA_FIELDS: ReadonlySet<number> = new Set([5, 7, 9, 10, 11]);
// each of those
export const POINTS = 1;

const EXPONENTIAL_HISTOGRAM = 10;
const HISTOGRAM = 9;

/** Where the data points of each have their attributes. */
export function attributesField(dataField: number): number {
  if (dataField === EXPONENTIAL_HISTOGRAM) return 1;
  return dataField === HISTOGRAM ? 9 : 7;
}

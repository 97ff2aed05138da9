/** Counters in the text format that Prometheus reads. */

export interface Metrics {
  countRequest(route: string, status: number): void;
  countReports(count: number): void;
  text(): string;
}

export function createMetrics(): Metrics {
  const requests = new Map<string, number>();
  let reports = 0;
  return {
    countRequest: (route, status) => {
      const labels = `route="${route}",status="${status}"`;
      requests.set(labels, (requests.get(labels) ?? 0) + 1);
    },
    countReports: (count) => {
      reports += count;
    },
    text: () =>
      [
        "# HELP retile_requests_total Requests answered.",
        "# TYPE retile_requests_total counter",
        ...[...requests].map(([labels, count]) => `retile_requests_total{${labels}} ${count}`),
        "# HELP retile_reports_total Reports acknowledged.",
        "# TYPE retile_reports_total counter",
        `retile_reports_total ${reports}`,
        "",
      ].join("\n"),
  };
}

#include "engine/report/page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/report/figures.hpp"
#include "io/files.hpp"
#include "io/html.hpp"
#include "io/human_text.hpp"

namespace impsweep {
namespace {

constexpr std::size_t kMostFailures = 50;

// Letters and digits of the title, for links inside of the page.
std::string anchor(const std::string& title) {
  return "s-" + file_name_of(title);
}

std::string paragraph(const std::string& text, const char* style = "") {
  return text.empty() ? "" : fmt::format("<p class=\"{}\">{}</p>\n", style, html_escape(text));
}

std::string figure_text(const ReportFigure& figure, const std::filesystem::path& directory) {
  std::vector<std::pair<std::string, std::string>> frames;
  for (std::size_t i = 0; i < figure.pictures.size(); ++i)
    frames.emplace_back(i < figure.labels.size() ? figure.labels[i] : "",
                        inline_svg(read_text_file(directory / (figure.pictures[i].name + ".svg"))));
  std::string pictures;
  if (figure.labels.empty())
    for (const auto& [label, picture] : frames) pictures += picture;
  else
    pictures = html_slider(frames);
  std::string files;
  for (const Figure& picture : figure.pictures)
    if (picture.formats.size() > 1)
      files += fmt::format(
          " <a href=\"figures/{0}.svg\">SVG</a> <a href=\"figures/{0}.pdf\">PDF</a> "
          "<a href=\"figures/{0}.png\">PNG</a>",
          html_escape(picture.name));
  const bool wide = std::ranges::any_of(figure.pictures, [](const Figure& picture) {
    return picture.columns > 1 && picture.panels.size() > 1;
  });
  return fmt::format("<figure{}><strong>{}</strong>\n{}<figcaption>{}{}</figcaption></figure>\n",
                     wide ? " class=\"wide\"" : "", html_escape(figure.title), pictures,
                     html_escape(figure.caption), files);
}

std::string section_text(const ReportSection& section, const std::filesystem::path& directory) {
  if (section.figures.empty() && section.table.rows.empty()) return "";
  std::string text = fmt::format("<section id=\"{}\"><h2>{}</h2>\n", html_escape(anchor(section.title)),
                                 html_escape(section.title));
  text += paragraph(section.note, "muted");
  if (!section.table.rows.empty()) text += html_table(section.table);
  text += "<div class=\"grid\">\n";
  for (const ReportFigure& figure : section.figures) text += figure_text(figure, directory);
  return text + "</div></section>\n";
}

std::string overview(const Results& results) {
  std::string text = "<section id=\"overview\">";
  for (const StoreFacts& store : results.stores) {
    const StoreStatus& status = store.status;
    const double part =
        part_done(static_cast<double>(status.trainings_done), static_cast<double>(status.trainings));
    std::string state = "Complete";
    if (status.trainings_done < status.trainings)
      state = status.live_ranks > 0
                  ? fmt::format("Under way on {} rank{}, ETA {}", status.live_ranks,
                                status.live_ranks == 1 ? "" : "s", duration_text(status.eta_seconds))
                  : fmt::format("Incomplete; no run is working on it, about {} of work left on one core",
                                duration_text(status.eta_seconds));
    text += fmt::format(
        "<p><strong>{}</strong>: {} of {} trainings, {} of {} chains; {} failed, {} blocked. {}.</p>"
        "<div class=\"bar\"><span style=\"width:{:.1f}%\"></span></div>\n",
        html_escape(store.path), status.trainings_done, status.trainings, status.chains_done, status.chains,
        status.failed.size(), status.blocked.size(), html_escape(state), 100 * part);
  }
  HtmlTable table;
  table.header = {"task", "algorithm", "network", "variant", "pruned per round", "what is there"};
  for (const Group& group : results.groups)
    table.rows.push_back({group.task, group.algorithm, group.network, group.variant,
                          percent_text(group.settings.imp.prune_fraction), coverage_text(group)});
  return text + html_table(table) + "</section>\n";
}

std::string verdict_cell(Verdict verdict) {
  const std::string_view text = verdict_text(verdict);
  return fmt::format("<span class=\"verdict {}\">{}</span>", verdict == Verdict::kNotRun ? "not-run" : text,
                     text);
}

std::string finding_row(const Finding& finding) {
  std::string note = finding.note;
  if (finding.verdict == Verdict::kUndecided)
    note += (note.empty() ? "" : "; ") + (finding.more_seeds
                                              ? fmt::format("needs about {} more seeds", *finding.more_seeds)
                                              : std::string("more seeds would hardly decide it"));
  return fmt::format(
      "<tr><td>{}</td><td>{} {}</td><td class=\"number\">{:.3g}</td><td class=\"number\">[{:.3g}, "
      "{:.3g}]</td>"
      "<td class=\"number\">{}</td><td>{}</td><td>{}</td></tr>\n",
      html_escape(finding.setting), html_escape(finding.statistic), html_escape(finding.claim),
      finding.interval.mean, finding.interval.low, finding.interval.high, finding.seeds,
      verdict_cell(finding.verdict), html_escape(note));
}

std::string verdicts(const std::vector<JudgedHypothesis>& hypotheses) {
  const auto count = [&](Verdict verdict) {
    return std::ranges::count(hypotheses, verdict, &JudgedHypothesis::verdict);
  };
  std::string text =
      "<section id=\"verdicts\"><h2>The paper's claims</h2>\n"
      "<p class=\"muted\">P is the return on a scale from the untrained network (0) to the dense agent (1), "
      "AUC its mean over rounds. Intervals: 95 % bootstrap over seeds. Fewer than five seeds decide nothing. "
      "Budgets are those of the table above, whether or not they are the paper's. A claim is called "
      "supported "
      "within the settings in brackets alone, and not where they are missing.</p>\n";
  text += paragraph(fmt::format("{} supported, {} contradicted, {} undecided, {} not run.",
                                count(Verdict::kSupported), count(Verdict::kContradicted),
                                count(Verdict::kUndecided), count(Verdict::kNotRun)));
  for (const JudgedHypothesis& hypothesis : hypotheses) {
    const std::string scope = scope_text(hypothesis);
    const std::string head = fmt::format(
        "<strong>{}</strong>{}<span>{}{}</span>", html_escape(hypothesis.id),
        verdict_cell(hypothesis.verdict), html_escape(hypothesis.claim),
        scope.empty() ? "" : fmt::format(" <span class=\"muted\">[{}]</span>", html_escape(scope)));
    std::string rows;
    for (const Finding& finding : hypothesis.findings) rows += finding_row(finding);
    text += fmt::format(
        "<details><summary class=\"claim\">{}</summary><p class=\"muted\">Confirmed by: {}. Needs: "
        "{}.{}</p>\n",
        head, html_escape(hypothesis.statistic), html_escape(hypothesis.needs),
        hypothesis.seen.empty() || hypothesis.missing.empty()
            ? ""
            : fmt::format(" Not in these stores: {}.", html_escape(list_text(hypothesis.missing))));
    if (!rows.empty())
      text +=
          "<div class=\"scroll\"><table><thead><tr><th>setting</th><th>statistic and claim</th><th>value</th>"
          "<th>95 %</th><th>seeds</th><th>verdict</th><th></th></tr></thead><tbody>\n" +
          rows + "</tbody></table></div>";
    text += "</details>\n";
  }
  return text + "</section>\n";
}

std::string failures(const Results& results) {
  HtmlTable table;
  table.header = {"chain", "round", "reason"};
  std::size_t count = 0;
  for (const StoreFacts& store : results.stores)
    for (const auto* list : {&store.status.failed, &store.status.blocked})
      for (const UnfinishedTraining& training : *list)
        if (count++ < kMostFailures) table.rows.push_back({training.chain, training.round, training.reason});
  std::string text = "<section id=\"failures\"><h2>Failures</h2>\n";
  if (table.rows.empty())
    text += paragraph("No training failed.", "muted");
  else
    text += html_table(table);
  if (count > kMostFailures) text += paragraph(fmt::format("and {} more", count - kMostFailures), "muted");
  for (const StoreFacts& store : results.stores)
    for (const std::string& damage : store.damage) text += paragraph(damage, "undecided");
  return text + "</section>\n";
}

std::string provenance(const Results& results) {
  std::string text = "<section id=\"provenance\"><h2>Provenance</h2>\n";
  for (const StoreFacts& store : results.stores) {
    HtmlTable table;
    table.header = {"store", store.path};
    for (const auto& [name, value] : store.fingerprint) table.rows.push_back({name, value});
    const auto list = [](const std::map<std::string, std::int64_t>& counts) {
      std::string names;
      for (const auto& [name, count] : counts)
        names += fmt::format("{}{} ({} training{})", names.empty() ? "" : ", ", name, count,
                             count == 1 ? "" : "s");
      return names;
    };
    table.rows.push_back({"trained by impsweep", list(store.versions)});
    table.rows.push_back({"hosts", list(store.hosts)});
    table.rows.push_back({"processor time", fmt::format("{:.2f} core-hours", store.cpu_seconds / 3600)});
    text += html_table(table);
    for (const FrozenJob& job : store.jobs)
      text += fmt::format("<details><summary>job {}</summary><pre>{}</pre></details>\n",
                          html_escape(job.digest.substr(0, 16)), html_escape(job.text));
  }
  return text + "</section>\n";
}

}  // namespace

std::string report_page(const Results& results, const std::vector<ReportSection>& sections,
                        const std::vector<JudgedHypothesis>& hypotheses,
                        const std::filesystem::path& figures) {
  std::string links = "<a href=\"#overview\">overview</a> <a href=\"#verdicts\">claims</a> ";
  std::string body;
  for (const ReportSection& section : sections) {
    const std::string text = section_text(section, figures);
    if (text.empty()) continue;
    links += fmt::format("<a href=\"#{}\">{}</a> ", html_escape(anchor(section.title)),
                         html_escape(section.title));
    body += text;
  }
  links += "<a href=\"#failures\">failures</a> <a href=\"#provenance\">provenance</a>";
  return html_page(
      "impsweep report",
      fmt::format("<nav>{}</nav>\n<main><h1>Sweep report</h1>\n{}{}{}{}{}</main>", links, overview(results),
                  verdicts(hypotheses), body, failures(results), provenance(results)));
}

}  // namespace impsweep

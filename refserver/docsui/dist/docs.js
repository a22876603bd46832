// Shows the description that the page's select names, and the first one at the start.
const select = document.getElementById("spec");
const chosen = () => "/openapi/" + select.value + ".yaml";
const wanted = new URLSearchParams(location.search).get("api");
if (wanted && [...select.options].some((o) => o.value === wanted)) select.value = wanted;
const show = () => SwaggerUIBundle({ url: chosen(), dom_id: "#api", deepLinking: true, docExpansion: "list", persistAuthorization: false });
select.addEventListener("change", () => { history.replaceState(null, "", "?api=" + select.value); show(); });
show();

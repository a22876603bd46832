{let e=null;try{e=localStorage.getItem("ensemble.theme")}catch{}(e==="light"||e==="dark")&&(document.documentElement.dataset.theme=e)}
